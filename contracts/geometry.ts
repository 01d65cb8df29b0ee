import { z } from 'zod';

const point = z.strictObject({ x: z.number(), y: z.number() });
const flag = z.literal(true).optional();

const seat = z.strictObject({
  id: z.string(),
  section: z.string(),
  row: z.string(),
  number: z.string(),
  category: z.string(),
  x: z.number(),
  y: z.number(),
  radius: z.number().optional().describe('Where it is not the usual 10'),
  accessible: flag,
  companion: flag,
  restrictedView: flag,
});

const area = z.strictObject({
  id: z.string(),
  name: z.string(),
  category: z.string(),
  first: z.int().describe('Index of its first place'),
  count: z.int(),
  shape: z.int().optional().describe('Index into `shapes` of what draws it'),
});

const shape = z.strictObject({
  shape: z.enum(['polygon', 'rectangle', 'ellipse', 'circle', 'text']).optional(),
  position: point,
  uuid: z.string().optional(),
  color: z.string().optional(),
  borderColor: z.string().optional(),
  rotation: z.number().optional().describe('Degrees clockwise around `position`'),
  polygon: z.strictObject({ points: z.array(point) }).optional(),
  rectangle: z.strictObject({ width: z.number(), height: z.number() }).optional(),
  ellipse: z.strictObject({ radius: point }).optional(),
  circle: z.strictObject({ radius: z.number() }).optional(),
  text: z
    .strictObject({
      text: z.string(),
      position: point,
      color: z.string().optional(),
      size: z.number().optional(),
    })
    .optional(),
});

/** What `geometryOf` of `domain/chart-geometry.ts` answers, for readers of the API. */
export const geometry = z.strictObject({
  name: z.string(),
  chartVersion: z.int(),
  places: z.int(),
  size: z.strictObject({ width: z.number(), height: z.number() }),
  categories: z.array(z.strictObject({ name: z.string(), color: z.string().optional() })),
  sections: z.array(z.strictObject({ name: z.string(), x: z.number(), y: z.number() })),
  seats: z.array(seat).describe('In index order'),
  areas: z.array(area).describe('Their places take the indexes behind the seats'),
  shapes: z.array(shape),
});

const { $schema: _, ...described } = z.toJSONSchema(geometry);

/**
 * The geometry as JSON text: a stadium's is megabytes, made once and sent as it is. Shown in the
 * OpenAPI document as what the text holds.
 */
export const geometryText = z.string().meta(described as Record<string, unknown>);

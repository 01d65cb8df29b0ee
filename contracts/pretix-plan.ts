import { z } from 'zod';
import { limits } from '#domain/limits.ts';

/**
 * The pretix seating-plan format, version 0.0.1, as a schema of our own: the same fields, the same
 * ones required, nothing unknown. It says only what one object can say for itself; what needs the
 * whole plan (unique ids, known categories, number of places) is `domain/chart-check.ts`.
 */
const text = z.string().max(1_000);

const position = z.strictObject({ x: z.number(), y: z.number() });

const seat = z.strictObject({
  seat_guid: text.regex(/^[^ ].*[^ ]$/, 'needs two characters or more and no space at its ends'),
  seat_number: text,
  uuid: text.optional(),
  start_direction: text.nullable().optional(),
  radius: z.number().optional(),
  position,
  category: text,
});

const row = z.strictObject({
  row_number: text,
  row_label: text.nullable().optional(),
  seat_label: text.nullable().optional(),
  uuid: text.optional(),
  seats: z.array(seat),
  row_number_position: z.enum(['start', 'end', 'both']).nullable().optional(),
  position: position.optional(),
});

const area = z.strictObject({
  color: text.optional(),
  border_color: text.optional(),
  rotation: z.number().optional(),
  position: position.optional(),
  uuid: text.optional(),
  shape: z.enum(['polygon', 'rectangle', 'ellipse', 'circle', 'text']).optional(),
  polygon: z.strictObject({ points: z.array(position) }).optional(),
  rectangle: z.strictObject({ width: z.number(), height: z.number() }).optional(),
  ellipse: z.strictObject({ radius: position }).optional(),
  circle: z.strictObject({ radius: z.number() }).optional(),
  text: z
    .strictObject({ text, color: text.optional(), size: z.number().optional(), position })
    .optional(),
});

const zone = z.strictObject({
  name: text.optional(),
  zone_id: text.optional(),
  uuid: text.optional(),
  position,
  rows: z.array(row),
  areas: z.array(area).optional(),
});

export const pretixPlan = z.strictObject({
  name: text,
  zones: z.array(zone),
  categories: z.array(z.strictObject({ name: text, color: text.optional() })),
  size: z.strictObject({ width: z.int(), height: z.int() }),
});
export type PretixPlanInput = z.infer<typeof pretixPlan>;

/**
 * What a chart holds beyond the pretix format: areas sold by quantity, and what a person must know
 * of a seat. Seats are named by their `seat_guid`.
 */
export const chartAdditions = z.strictObject({
  areas: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(100),
        name: z.string().min(1).max(200),
        category: text,
        capacity: z.int().min(1).max(limits.chartPlacesMax),
        shape: text.optional().describe('`uuid` of the drawn area it belongs to'),
      }),
    )
    .optional(),
  accessible: z.array(text).optional(),
  companion: z.array(text).optional(),
  restrictedView: z.array(text).optional(),
});

import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { z } from 'zod';
import { geometry, geometryText } from '#contracts/geometry.ts';
import { chartAdditions, type PretixPlanInput, pretixPlan } from '#contracts/pretix-plan.ts';
import { geometryOf } from '#domain/chart-geometry.ts';
import { additionsOf, fromPretix, type PretixPlan, toPretix } from '#domain/chart-pretix.ts';
import { readChart } from '#domain/chart-source.ts';
import { chartFromText } from '#domain/chart-text.ts';
import { theatreSource } from '#ops/demo/houses.ts';
import { stadiumPlan } from '#ops/demo/stadium.ts';
import { publishedPretixSchema } from '#test/support/pretix-schema.ts';

const number = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
const position = fc.record({ x: number, y: number });
const text = fc.string({ maxLength: 20 });
const guid = fc.uuid();
const nullable = fc.option(text);

const seat = fc.record(
  {
    seat_guid: guid,
    seat_number: text,
    position,
    category: text,
    uuid: guid,
    start_direction: fc.constantFrom('<', '>', '<>', null),
    radius: number,
  },
  { requiredKeys: ['seat_guid', 'seat_number', 'position', 'category'] },
);
const row = fc.record(
  {
    row_number: text,
    seats: fc.array(seat, { maxLength: 4 }),
    row_label: nullable,
    seat_label: nullable,
    uuid: guid,
    row_number_position: fc.constantFrom('start', 'end', 'both', null),
    position,
  },
  { requiredKeys: ['row_number', 'seats'] },
);
const area = fc.record(
  {
    color: text,
    border_color: text,
    rotation: number,
    position,
    uuid: guid,
    shape: fc.constantFrom('polygon', 'rectangle', 'ellipse', 'circle', 'text'),
    polygon: fc.record({ points: fc.array(position, { maxLength: 3 }) }),
    rectangle: fc.record({ width: number, height: number }),
    ellipse: fc.record({ radius: position }),
    circle: fc.record({ radius: number }),
    text: fc.record(
      { text, color: text, size: number, position },
      { requiredKeys: ['text', 'position'] },
    ),
  },
  { requiredKeys: [] },
);
const zone = fc.record(
  {
    position,
    rows: fc.array(row, { maxLength: 3 }),
    name: text,
    zone_id: text,
    uuid: guid,
    areas: fc.array(area, { maxLength: 2 }),
  },
  { requiredKeys: ['position', 'rows'] },
);
/** Any plan that the format allows, sensible or not. */
const anyPlan = fc.record({
  name: text,
  zones: fc.array(zone, { maxLength: 3 }),
  categories: fc.array(fc.record({ name: text, color: text }, { requiredKeys: ['name'] })),
  size: fc.record({ width: fc.integer(), height: fc.integer() }),
}) as fc.Arbitrary<PretixPlan>;

const theatre = theatreSource();
const theatrePlan = theatre.plan as PretixPlan;

describe('pretix seating plans', () => {
  it('are given back field by field, whatever the format holds', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        expect(toPretix(fromPretix(plan))).toEqual(plan);
        // Through storage, which is JSON, too.
        expect(JSON.parse(JSON.stringify(toPretix(fromPretix(plan))))).toEqual(
          JSON.parse(JSON.stringify(plan)),
        );
      }),
    );
  });

  it('are given back with what the format cannot hold', () => {
    const { plan, additions } = theatre;
    if (plan === undefined || additions === undefined) throw new Error('there is no theatre');
    const chart = fromPretix(plan, additions);
    expect(toPretix(chart)).toEqual(plan);
    const back = additionsOf(chart);
    expect(new Set(back.accessible)).toEqual(new Set(additions.accessible));
    expect(new Set(back.companion)).toEqual(new Set(additions.companion));
    expect(new Set(back.restrictedView)).toEqual(new Set(additions.restrictedView));
    expect(fromPretix(toPretix(chart), back)).toEqual(chart);
    const stadium = stadiumPlan();
    expect(additionsOf(fromPretix(stadium.plan, stadium.additions))).toEqual(stadium.additions);
  });

  it('of the theatre hold about 1 200 seats in tiers and boxes', () => {
    const { chart, warnings } = readChart(theatre);
    expect(warnings).toEqual([]);
    expect(chart.sections.map(({ name }) => name)).toEqual([
      'Stage',
      'Stalls',
      'Boxes Left',
      'Boxes Right',
      'Dress Circle',
      'Upper Circle',
    ]);
    const seats = chart.sections.flatMap((section) => section.rows.flatMap((one) => one.seats));
    expect(seats).toHaveLength(1_196);
    expect(seats.filter((one) => one.accessible)).toHaveLength(6);
    expect(seats.filter((one) => one.companion)).toHaveLength(6);
    expect(seats.filter((one) => one.restrictedView)).toHaveLength(36);
    expect(chartAdditions.safeParse(theatre.additions).success).toBe(true);
  });
});

describe('geometry', () => {
  it.each([
    ['the theatre', theatre],
    ['the stadium', stadiumPlan()],
  ])('fits its contract: %s', (_, source) => {
    const { chart } = readChart(source);
    const json: unknown = JSON.parse(JSON.stringify(geometryOf(chart, 1)));
    expect(geometry.safeParse(json).error?.issues.slice(0, 3)).toBeUndefined();
  });

  it('is described as what the text holds', () => {
    expect(z.toJSONSchema(geometryText)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['seats', 'areas']) as unknown,
    });
  });
});

const published = publishedPretixSchema();
const withSchema = published === undefined ? describe.skip : describe;

withSchema('pretix seating plans, by the published schema [needs the pretix package]', () => {
  const valid = new Ajv({ strict: false }).compile(published ?? {});

  it.each<[string, () => PretixPlan]>([
    ['the theatre', () => theatrePlan],
    ['the exported theatre', () => toPretix(fromPretix(theatrePlan, theatre.additions))],
    ['the exported stadium', () => toPretix(fromPretix(stadiumPlan().plan))],
    [
      'an export of a text',
      () =>
        toPretix(
          chartFromText('category A\nsection S cat=A\nrow 1 1-9\narea Floor cat=A capacity=9'),
        ),
    ],
  ])('hold: %s', (_, plan) => {
    expect(valid(JSON.parse(JSON.stringify(plan())))).toBe(true);
  });

  it('hold exactly when our own schema says so', () => {
    const broken = fc.tuple(anyPlan, fc.nat(), fc.constantFrom(...breakages)).map(spoil);
    fc.assert(
      fc.property(fc.oneof(anyPlan, broken), (plan) => {
        const json = JSON.parse(JSON.stringify(plan)) as PretixPlanInput;
        expect(pretixPlan.safeParse(json).success).toBe(valid(json));
      }),
      { numRuns: 500 },
    );
  });
});

/** Ways to spoil an object of a plan. */
const breakages = [
  (target: Record<string, unknown>) => ({ ...target, unknown_field: 1 }),
  (target: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(target).map(([key, value]) => [key, wrong(value)])),
  (target: Record<string, unknown>) => Object.fromEntries(Object.entries(target).slice(1)),
  (target: Record<string, unknown>) => ({ ...target, seat_guid: ' a' }),
  (target: Record<string, unknown>) => ({ ...target, shape: 'star' }),
  (target: Record<string, unknown>) => ({ ...target, width: 1.5 }),
] as const;

const wrong = (value: unknown): unknown => (typeof value === 'string' ? 7 : 'x');

/** Spoils the n-th object in a plan. */
function spoil([plan, n, breakage]: readonly [PretixPlan, number, (typeof breakages)[number]]) {
  const copy = JSON.parse(JSON.stringify(plan)) as Record<string, unknown>;
  const objects: Array<{ holder: Record<string, unknown>; key: string }> = [];
  const visit = (holder: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(holder)) {
      if (typeof value !== 'object' || value === null) continue;
      if (!Array.isArray(value)) objects.push({ holder, key });
      visit(value as Record<string, unknown>);
    }
  };
  visit(copy);
  const at = objects[n % objects.length];
  if (at !== undefined) at.holder[at.key] = breakage(at.holder[at.key] as Record<string, unknown>);
  return copy;
}

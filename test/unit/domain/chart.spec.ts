import { describe, expect, it } from '@jest/globals';
import type { Chart, ChartSeat } from '#domain/chart.ts';
import { checkChart } from '#domain/chart-check.ts';
import { geometryOf } from '#domain/chart-geometry.ts';
import { layoutOf } from '#domain/chart-layout.ts';
import { fromPretix, type PretixPlan, type PretixRow } from '#domain/chart-pretix.ts';
import { readChart } from '#domain/chart-source.ts';
import { chartFromText } from '#domain/chart-text.ts';
import { dataOf } from '#domain/errors.ts';
import { unpackLayout } from '#domain/layout.ts';
import { stadiumPlan } from '#ops/demo/stadium.ts';

const row = (name: string, xs: readonly number[], more: Partial<PretixRow> = {}): PretixRow => ({
  row_number: name,
  position: { x: 0, y: 0 },
  seats: xs.map((x, i) => ({
    seat_guid: `S-${name}-${i + 1}`,
    seat_number: String(i + 1),
    position: { x, y: 0 },
    category: 'A',
  })),
  ...more,
});

const plan = (rows: readonly PretixRow[]): PretixPlan => ({
  name: 'Plan',
  categories: [{ name: 'A' }],
  size: { width: 100, height: 100 },
  zones: [{ name: 'Stalls', position: { x: 0, y: 0 }, rows }],
});

const chartOf = (...rows: readonly PretixRow[]): Chart => fromPretix(plan(rows));

const seatOf = (chart: Chart): ChartSeat => {
  const seat = chart.sections[0]?.rows[0]?.seats[0];
  if (seat === undefined) throw new Error('there is no seat');
  return seat;
};

const refusal = (run: () => unknown): { code: string; errors: unknown; count: unknown } => {
  try {
    run();
  } catch (error) {
    const { errors, count } = dataOf(error);
    return { code: (error as { code: string }).code, errors, count };
  }
  throw new Error('it was not refused');
};

/** Seats of one section in one row, with ids of no pattern when `irregular`. */
const manySeats = (count: number, id = (i: number): string => `S-${i}`): PretixPlan =>
  plan([
    {
      row_number: '1',
      seats: Array.from({ length: count }, (_, i) => ({
        seat_guid: id(i),
        seat_number: String(i),
        position: { x: i * 20, y: 0 },
        category: 'A',
      })),
    },
  ]);

describe('a chart is refused with its places named', () => {
  it('names both seats that share an id', () => {
    const twice = row('B', [0, 20]);
    const seats = twice.seats.map((seat) => ({ ...seat, seat_guid: 'S-A-1' }));
    expect(refusal(() => checkChart(chartOf(row('A', [0, 20]), { ...twice, seats })))).toEqual({
      code: 'invalid-chart',
      count: 2,
      errors: [
        {
          path: 'Stalls, row B, seat 1',
          message: 'the seat id "S-A-1" is already that of Stalls, row A, seat 1',
        },
        {
          path: 'Stalls, row B, seat 2',
          message: 'the seat id "S-A-1" is already that of Stalls, row A, seat 1',
        },
      ],
    });
  });

  it('names the seat whose category is unknown', () => {
    const [first, ...rest] = row('A', [0, 20]).seats;
    const seats = [{ ...first, category: 'Z' }, ...rest] as PretixRow['seats'];
    expect(refusal(() => checkChart(chartOf({ ...row('A', []), seats })))).toMatchObject({
      errors: [{ path: 'Stalls, row A, seat 1', message: 'the category "Z" is not defined' }],
      count: 1,
    });
  });

  it('names twenty mistakes and counts the rest', () => {
    const chart = fromPretix(manySeats(50, () => 'same'));
    const { errors, count } = refusal(() => checkChart(chart));
    expect(errors).toHaveLength(20);
    expect(count).toBe(49);
  });

  it('refuses a chart without places', () => {
    expect(refusal(() => checkChart(chartOf()))).toMatchObject({
      errors: [{ path: 'chart', message: expect.stringContaining('no place') as unknown }],
    });
  });

  it('takes 120 000 places and refuses 120 001, naming what is too much', () => {
    expect(() => checkChart(fromPretix(manySeats(120_000)))).not.toThrow();
    expect(refusal(() => checkChart(fromPretix(manySeats(120_001))))).toMatchObject({
      code: 'invalid-chart',
      errors: [
        { path: 'chart', message: '120001 places are more than the 120000 allowed' },
        { path: 'Stalls', message: 'its 120001 places bring the chart to 120001' },
      ],
    });
    const areas = [{ id: 'GA', name: 'Field', category: 'A', capacity: 119_999 }];
    const mixed = { ...chartOf(row('A', [0, 20])), areas };
    expect(refusal(() => checkChart(mixed))).toMatchObject({
      errors: [{ path: 'chart' }, { path: 'area Field' }],
    });
  });

  it('names seats whose ids do not fit one message', () => {
    let state = 1;
    const random = (): string => {
      let text = '';
      for (let i = 0; i < 24; i++) {
        state = (state * 48_271) % 2_147_483_647;
        text += String.fromCharCode(97 + (state % 26));
      }
      return `${text}x`;
    };
    const { errors, count } = refusal(() => checkChart(fromPretix(manySeats(60_000, random))));
    expect(count).toBe(60_001);
    expect(errors).toEqual(
      expect.arrayContaining([
        { path: 'chart', message: expect.stringContaining('700000 are allowed') },
        { path: 'Stalls, row 1, seat 0', message: expect.stringContaining('its id is') },
      ]),
    );
  });

  it('refuses categories that are there twice and areas of unknown shape', () => {
    const base = chartOf(row('A', [0]));
    const chart = {
      ...base,
      categories: [{ name: 'A' }, { name: 'A' }, { name: '__proto__' }],
      areas: [{ id: 'S-A-1', name: 'Floor', category: 'B', capacity: 0, shape: 'none' }],
    };
    const { count } = refusal(() => checkChart(chart));
    expect(count).toBe(6);
  });

  it('refuses a seat that is called as a place of an area is', () => {
    const base = chartOf({ ...row('A', []), seats: row('GA', [0]).seats });
    const rows = [{ name: 'A', seats: [{ ...seatOf(base), id: 'Floor/12' }] }];
    const sections = [{ name: 'Stalls', position: { x: 0, y: 0 }, rows }];
    const areas = [{ id: 'Floor', name: 'Floor', category: 'A', capacity: 50 }];
    expect(refusal(() => checkChart({ ...base, sections, areas }))).toMatchObject({
      errors: [
        {
          path: 'Stalls, row A, seat 1',
          message: '"Floor/12" is what a place of area Floor is called',
        },
      ],
    });
  });

  it('warns of seats that are called the same', () => {
    const again = row('A', [40]).seats.map((seat) => ({ ...seat, seat_guid: 'other' }));
    const { warnings } = checkChart(chartOf(row('A', [0]), { ...row('A', []), seats: again }));
    expect(warnings).toEqual([
      { path: 'Stalls, row A, seat 1', message: expect.any(String) as unknown as string },
    ]);
  });

  it('refuses additions for seats that the plan does not have', () => {
    const source = { plan: plan([row('A', [0])]), additions: { accessible: ['S-A-9'] } };
    expect(refusal(() => readChart(source))).toMatchObject({
      errors: [{ path: 'additions', message: 'the plan has no seat "S-A-9"' }],
    });
  });

  it('wants either a plan or text', () => {
    expect(refusal(() => readChart({})).code).toBe('invalid-request');
    const both = { plan: plan([row('A', [0])]), text: 'chart X' };
    expect(refusal(() => readChart(both)).code).toBe('invalid-request');
  });
});

describe('layout from a drawing', () => {
  const orders = (chart: Chart): number[] => layoutOf(chart).seats.map((seat) => seat.order);

  it('puts neighbours side by side and sees an aisle in a gap', () => {
    expect(orders(chartOf(row('A', [0, 20, 40, 80, 100])))).toEqual([0, 1, 2, 4, 5]);
  });

  it('finds the way along a row that is listed out of order', () => {
    expect(orders(chartOf(row('A', [0, 40, 80, 20, 60])))).toEqual([0, 2, 4, 1, 3]);
  });

  it('follows a curved row that turns back', () => {
    const seats = Array.from({ length: 20 }, (_, i) => {
      const angle = (i / 19) * 1.8 * Math.PI;
      return { x: 100 * Math.sin(angle), y: 100 * Math.cos(angle) };
    });
    const base = row(
      'A',
      seats.map(() => 0),
    );
    const curved = base.seats.map((seat, i) => ({ ...seat, position: seats[i] ?? { x: 0, y: 0 } }));
    expect(orders(chartOf({ ...base, seats: curved }))).toEqual(seats.map((_, i) => i));
  });

  it('keeps two pieces of one row apart', () => {
    const right = row('A', [200, 220]).seats.map((s) => ({ ...s, seat_guid: `R${s.seat_guid}` }));
    const chart = chartOf(row('A', [0, 20]), { ...row('A', []), seats: right });
    expect(orders(chart)).toEqual([0, 1, 3, 4]);
  });

  it('ranks nearer and more central better, restricted view worse', () => {
    const text = `category A
section Stalls cat=A
row 1 1-9
row 2 1-9
row 3 1-9 restricted=5`;
    const layout = layoutOf(chartFromText(text));
    const rank = (id: string): number => layout.seats.find((s) => s.id === id)?.rank ?? Number.NaN;
    expect(rank('Stalls-1-5')).toBeLessThan(rank('Stalls-2-5'));
    expect(rank('Stalls-2-5')).toBeLessThan(rank('Stalls-2-1'));
    expect(rank('Stalls-2-1')).toBe(rank('Stalls-2-9'));
    expect(rank('Stalls-3-5')).toBeGreaterThan(rank('Stalls-3-4'));
  });

  it('looks at the stage where one is drawn', () => {
    const stage = {
      shape: 'rectangle' as const,
      position: { x: 0, y: 80 },
      rectangle: { width: 80, height: 20 },
      text: { text: 'Main stage', position: { x: 40, y: 10 } },
    };
    const rows = ['1', '2'].map((name, i) =>
      row(name, [0, 20, 40, 60, 80], { position: { x: 0, y: i * 30 } }),
    );
    const base = plan(rows);
    const zones = base.zones.map((zone) => ({ ...zone, areas: [stage] }));
    const { seats } = layoutOf(fromPretix({ ...base, zones }));
    const best = seats.toSorted((a, b) => a.rank - b.rank)[0];
    expect(best?.id).toBe('S-2-3');
  });

  it('ranks companion places behind all others, beside their accessible place', () => {
    const chart = chartFromText(
      'category A\nsection S cat=A\nrow 1 1-6 accessible=1 companion=2\nrow 2 1-6\n',
    );
    const { seats } = layoutOf(chart);
    expect(seats.filter((seat) => seat.accessible).map((seat) => seat.id)).toEqual(['S-1-1']);
    expect(seats.toSorted((a, b) => b.rank - a.rank)[0]?.id).toBe('S-1-2');
    expect(seats[1]?.order).toBe((seats[0]?.order ?? Number.NaN) + 1);
  });
});

describe('geometry', () => {
  it('has the places of the layout in the same order, areas behind the seats', () => {
    const { plan: stadium, additions } = stadiumPlan();
    const chart = fromPretix(stadium, additions);
    const geometry = geometryOf(chart, 7);
    const layout = layoutOf(chart);
    expect(geometry).toMatchObject({ chartVersion: 7, places: 50_000 });
    expect(geometry.seats.map((seat) => seat.id)).toEqual(layout.seats.map((seat) => seat.id));
    expect(geometry.areas.map(({ first, count }) => [first, count])).toEqual([
      [40_000, 5_000],
      [45_000, 5_000],
    ]);
    expect(geometry.shapes[geometry.areas[0]?.shape ?? -1]?.text?.text).toBe('Standing West');
  });

  it('gives absolute coordinates', () => {
    const base = plan([row('A', [5], { position: { x: 10, y: 20 } })]);
    const zones = base.zones.map((zone) => ({ ...zone, position: { x: 100, y: 200 } }));
    const [seat] = geometryOf(fromPretix({ ...base, zones }), 1).seats;
    expect(seat).toMatchObject({ x: 115, y: 220 });
  });
});

describe('a stadium of 50 000', () => {
  it('is read, checked and packed within two seconds, and fits one message', () => {
    const source = stadiumPlan();
    const from = performance.now();
    const { chart, layout } = readChart(source);
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(layout.length).toBeLessThan(100_000);
    expect(unpackLayout(layout)).toEqual(layoutOf(chart));
  });
});

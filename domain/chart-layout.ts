import { type Chart, type PlacedSeat, type Point, placedRows, shapeCentre } from '#domain/chart.ts';
import type { Layout, LayoutSeat } from '#domain/layout.ts';

/**
 * From drawing to places. What sits side by side follows from coordinates: along a row, a distance
 * of more than `aisleRatio` times the section's usual one is an aisle. What is better follows from
 * the distance to the front: the shape whose text names a stage, screen or pitch, else the middle
 * of the drawing's upper edge; so nearer and more central is better.
 */
const aisleRatio = 1.6;

/** Ranks are whole quarters of the usual distance between neighbours: small numbers pack well. */
const ranksPerPitch = 4;
/** A seat with restricted view counts as this much farther away. */
const restrictedFactor = 1.25;

const frontWords =
  /\b(stage|screen|pitch|field|court|rink|ring|b(ü|ue)hne|leinwand|sc[eè]ne|escenario|palco)\b/i;

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

const pathLength = (seats: readonly Point[]): number =>
  seats.reduce((sum, seat, i) => (i === 0 ? 0 : sum + distance(seats[i - 1] as Point, seat)), 0);

/**
 * A row's seats from one end to the other: as listed, or sorted along the row's longer extent,
 * whichever is the shorter way (lists may run odd numbers first; curved rows may turn back).
 */
function alongRow(seats: readonly PlacedSeat[]): readonly PlacedSeat[] {
  const extent = (axis: 'x' | 'y'): number =>
    seats.reduce((max, s) => Math.max(max, s[axis]), -Infinity) -
    seats.reduce((min, s) => Math.min(min, s[axis]), Infinity);
  const axis = extent('x') >= extent('y') ? 'x' : 'y';
  const sorted = seats.toSorted((a, b) => a[axis] - b[axis]);
  return pathLength(sorted) < pathLength(seats) * 0.99 ? sorted : seats;
}

/** The usual distance between neighbours: the median of the positive ones; 0 when there is none. */
export function usualDistance(rows: readonly (readonly PlacedSeat[])[]): number {
  const distances: number[] = [];
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      const d = distance(row[i - 1] as PlacedSeat, row[i] as PlacedSeat);
      if (d > 0) distances.push(d);
    }
  }
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 0;
}

/** Seats missing between two neighbours that stand `d` apart: 0 when they sit side by side. */
export const gapBetween = (d: number, usual: number): number =>
  usual > 0 && d > usual * aisleRatio ? Math.max(1, Math.round(d / usual) - 1) : 0;

/** `order` of every seat, by its id. Rows of one section and name share one line of numbers. */
function orders(rows: readonly (readonly PlacedSeat[])[]): Map<string, number> {
  const sections = Map.groupBy(rows, (row) => row[0]?.section ?? '');
  const order = new Map<string, number>();
  for (const section of sections.values()) {
    const lines = section.map(alongRow);
    const usual = usualDistance(lines);
    const ends = new Map<string, number>();
    for (const line of lines) {
      const name = line[0]?.row.name ?? '';
      let at = (ends.get(name) ?? -2) + 2;
      for (const [i, placed] of line.entries()) {
        const before = line[i - 1];
        if (before !== undefined) at += gapBetween(distance(before, placed), usual) > 0 ? 2 : 1;
        order.set(placed.seat.id, at);
      }
      ends.set(name, at);
    }
  }
  return order;
}

/** Where the audience looks: see `aisleRatio`'s paragraph. */
function frontOf(chart: Chart, rows: readonly (readonly PlacedSeat[])[]): Point {
  for (const section of chart.sections) {
    const shape = section.shapes?.find((s) => frontWords.test(s.text?.text ?? ''));
    if (shape !== undefined) return shapeCentre(shape, section.position);
  }
  let [left, right, top] = [Infinity, -Infinity, Infinity];
  for (const { x, y } of rows.flat()) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
  }
  return right < left ? { x: 0, y: 0 } : { x: (left + right) / 2, y: top };
}

/**
 * The places of a checked chart in index order. Companion places rank behind all others: they go to
 * the neighbours of an accessible place first, to anybody when nothing better is left.
 */
export function layoutOf(chart: Chart): Layout {
  const rows = placedRows(chart);
  const order = orders(rows);
  const front = frontOf(chart, rows);
  const unit = (usualDistance(rows) || 1) / ranksPerPitch;
  const categories = chart.categories.map((category) => category.name);
  const categoryAt = new Map(categories.map((name, i) => [name, i]));
  const rankOf = ({ seat, ...at }: PlacedSeat): number => {
    const far = distance(at, front) * (seat.restrictedView === true ? restrictedFactor : 1);
    return Math.round(far / unit);
  };
  const ranked = rows.flat().map((placed) => ({ placed, rank: rankOf(placed) }));
  const behindAll = ranked.reduce((max, { rank }) => Math.max(max, rank), 0) + 1;
  const seats = ranked.map(
    ({ placed, rank }): LayoutSeat => ({
      id: placed.seat.id,
      section: placed.section,
      row: placed.row.name,
      number: placed.seat.number,
      category: categoryAt.get(placed.seat.category) ?? 0,
      ...(placed.seat.accessible === true ? { accessible: true } : {}),
      order: order.get(placed.seat.id) ?? 0,
      rank: placed.seat.companion === true ? rank + behindAll : rank,
    }),
  );
  const areas = chart.areas.map(({ id, name, category, capacity }) => ({
    id,
    name,
    category: categoryAt.get(category) ?? 0,
    count: capacity,
  }));
  return { categories, seats, areas };
}

import type { Point } from '#domain/chart.ts';
import { uuidOf } from '#domain/chart-arrange.ts';
import type { PretixRow, PretixSeat } from '#domain/chart-pretix.ts';

/** Hundredths are finer than any screen, and keep files small. */
const round = (value: number): number => Math.round(value * 100) / 100;
export const at = (x: number, y: number): Point => ({ x: round(x), y: round(y) });

export type RowPlan = {
  readonly section: string;
  readonly name: string;
  /** Seats of each block; between blocks runs an aisle. */
  readonly blocks: readonly number[];
  /** Where the n-th step along the row is; steps are counted from the row's middle. */
  readonly step: (n: number) => Point;
  readonly aisleSteps: number;
  readonly category: (number: number, of: number) => string;
};

/** Draws a row: seats numbered from its left end, positions relative to the row's middle. */
export function drawRow({ section, name, blocks, step, aisleSteps, category }: RowPlan): PretixRow {
  const count = blocks.reduce((sum, block) => sum + block, 0);
  const length = count - 1 + (blocks.length - 1) * aisleSteps;
  const middle = step(0);
  const seats: PretixSeat[] = [];
  let along = -length / 2;
  for (const block of blocks) {
    for (let i = 0; i < block; i++) {
      const number = seats.length + 1;
      const seat_guid = `${section}-${name}-${number}`;
      const { x, y } = step(along);
      seats.push({
        seat_guid,
        seat_number: String(number),
        uuid: uuidOf(seat_guid),
        position: at(x - middle.x, y - middle.y),
        category: category(number, count),
      });
      along++;
    }
    along += aisleSteps;
  }
  return {
    row_number: name,
    row_number_position: 'both',
    uuid: uuidOf(`${section}-${name}`),
    position: at(middle.x, middle.y),
    seats,
  };
}

/** Steps of `pitch` along an arc around `centre`, below it. */
export const arc =
  (centre: Point, radius: number, pitch: number) =>
  (n: number): Point => {
    const angle = (n * pitch) / radius;
    return { x: centre.x + radius * Math.sin(angle), y: centre.y + radius * Math.cos(angle) };
  };

/** Steps of `pitch` on the tangent at `angle` (0 = below, clockwise) of a circle. */
export const tangent =
  (centre: Point, radius: number, angle: number, pitch: number) =>
  (n: number): Point => ({
    x: centre.x + radius * Math.sin(angle) + n * pitch * Math.cos(angle),
    y: centre.y + radius * Math.cos(angle) - n * pitch * Math.sin(angle),
  });

import { createHash } from 'node:crypto';
import type { Chart, ChartRow, ChartSection, ChartShape, Point } from '#domain/chart.ts';

/**
 * Where things stand in a chart that was written as text: rows centred under each other, sections
 * and areas below each other, the front at the top. Drawing units.
 */
const pitch = { seat: 24, row: 30, section: 60, margin: 40 } as const;
const areaSize = { width: 480, height: 96 } as const;

/** Positions of a row's seats, centred on 0. */
export function rowPositions(gaps: readonly number[]): Point[] {
  let at = -1;
  const steps = gaps.map((gap, i) => {
    at += i === 0 ? 1 : 1 + gap;
    return at;
  });
  return steps.map((step) => ({ x: (step - at / 2) * pitch.seat, y: 0 }));
}

/** Position of the n-th row within its section. */
export const rowPosition = (n: number): Point => ({ x: 0, y: n * pitch.row });

/** A UUID (version 4 in form) that is the same for the same text. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

/** What draws an area that was written as text: a rectangle with its name in it. */
export function areaShape(id: string, name: string): ChartShape {
  const { width, height } = areaSize;
  return {
    shape: 'rectangle',
    uuid: uuidOf(`area ${id}`),
    position: { x: -width / 2, y: 0 },
    rectangle: { width, height },
    color: '#eeeeee',
    text: { text: name, position: { x: width / 2, y: height / 2 } },
  };
}

/** A section before it has its place; `at` says where the text wants it. */
export type Unplaced = Omit<ChartSection, 'position'> & { readonly at?: Point };

const heightOf = (section: Unplaced): number =>
  section.rows.length * pitch.row + (section.shapes?.length ?? 0) * areaSize.height;

/** The default positions of sections in this order: below each other on one axis. */
export function stackedPositions(sections: readonly Unplaced[]): Point[] {
  const half = sections.reduce((max, section) => Math.max(max, halfWidth(section)), 0);
  let y = pitch.margin;
  return sections.map((section) => {
    const position = { x: pitch.margin + half, y };
    y += heightOf(section) + pitch.section;
    return position;
  });
}

const halfWidthOfRow = (row: ChartRow): number =>
  row.seats.reduce((max, seat) => Math.max(max, Math.abs(seat.position.x)), 0);

const halfWidth = (section: Unplaced): number =>
  Math.ceil(
    section.rows.reduce(
      (max, row) => Math.max(max, halfWidthOfRow(row)),
      section.shapes === undefined ? 0 : areaSize.width / 2,
    ),
  );

/** Gives every section its position and the chart a size that holds them all. */
export function placed(sections: readonly Unplaced[]): Pick<Chart, 'sections' | 'size'> {
  const stacked = stackedPositions(sections);
  let [width, height] = [0, 0];
  const result = sections.map(({ at, ...section }, i): ChartSection => {
    const position = at ?? stacked[i] ?? { x: 0, y: 0 };
    width = Math.max(width, position.x + halfWidth(section) + pitch.margin);
    height = Math.max(height, position.y + heightOf(section) + pitch.margin);
    return { ...section, position };
  });
  return { sections: result, size: { width: Math.ceil(width), height: Math.ceil(height) } };
}

import { isDeepStrictEqual } from 'node:util';
import {
  type Chart,
  type ChartRow,
  type ChartSection,
  type PlacedSeat,
  placedRow,
  sectionName,
} from '#domain/chart.ts';
import { stackedPositions } from '#domain/chart-arrange.ts';
import { gapBetween, usualDistance } from '#domain/chart-layout.ts';
import { chartFromText } from '#domain/chart-text.ts';
import { quoted } from '#domain/chart-text-line.ts';
import { type SeatRun, spellNumbers, spellRuns } from '#domain/chart-text-seats.ts';

/**
 * A checked chart in the text form, and what that form cannot hold of it: read back, the text
 * gives the same chart when `lost` is empty.
 */
export function chartToText(chart: Chart): { text: string; lost: string[] } {
  const lines = [
    `chart ${quoted(chart.name)}`,
    ...chart.categories.map(
      ({ name, color }) =>
        `category ${quoted(name)}${color === undefined ? '' : ` color=${quoted(color)}`}`,
    ),
  ];
  const stacked = stackedPositions(chart.sections);
  const listed = new Set<string>();
  for (const [i, section] of chart.sections.entries()) {
    const at = isDeepStrictEqual(section.position, stacked[i]) ? undefined : section.position;
    if (section.rows.length > 0) lines.push(...sectionLines(section, sectionName(section, i), at));
    for (const shape of section.shapes ?? []) {
      const area = chart.areas.find((a) => a.shape !== undefined && a.shape === shape.uuid);
      if (area === undefined) continue;
      listed.add(area.id);
      lines.push(areaLine(area, section.rows.length > 0 ? undefined : at));
    }
  }
  lines.push(...chart.areas.filter((a) => !listed.has(a.id)).map((a) => areaLine(a, undefined)));
  const text = `${lines.join('\n')}\n`;
  return { text, lost: lostBetween(chart, chartFromText(text)) };
}

const atOption = (at: ChartSection['position'] | undefined): string =>
  at === undefined ? '' : ` at=${at.x},${at.y}`;

const areaLine = (area: Chart['areas'][number], at: ChartSection['position'] | undefined): string =>
  `area ${quoted(area.name)} cat=${quoted(area.category)} capacity=${area.capacity}` +
  `${area.id === area.name ? '' : ` id=${quoted(area.id)}`}${atOption(at)}`;

function sectionLines(
  section: ChartSection,
  name: string,
  at: ChartSection['position'] | undefined,
): string[] {
  const rows = section.rows.map((row) => placedRow(section, name, row));
  const usual = usualDistance(rows);
  const category = mostFrequent(section.rows.flatMap((row) => row.seats.map((s) => s.category)));
  const cat = category === undefined ? '' : ` cat=${quoted(category)}`;
  return [
    `section ${quoted(name)}${cat}${atOption(at)}`,
    ...section.rows.map((row, i) => rowLine(row, rows[i] ?? [], usual, category)),
  ];
}

function rowLine(
  row: ChartRow,
  seats: readonly PlacedSeat[],
  usual: number,
  sectionCategory: string | undefined,
): string {
  const runs = seats.map(({ seat, x, y }, i): SeatRun => {
    const before = seats[i - 1];
    const apart = before === undefined ? 0 : Math.hypot(x - before.x, y - before.y);
    return { number: plainNumber(seat.number), gapBefore: gapBetween(apart, usual) };
  });
  const parts = [`row ${quoted(row.name)}`, spellRuns(runs)];
  const category = mostFrequent(row.seats.map((seat) => seat.category));
  if (category !== undefined && category !== sectionCategory) parts.push(`cat=${quoted(category)}`);
  const numbers = (holds: (seat: ChartRow['seats'][number]) => boolean): string =>
    spellNumbers(row.seats.filter(holds).map((seat) => plainNumber(seat.number)));
  for (const other of new Set(row.seats.map((seat) => seat.category))) {
    if (other === category) continue;
    parts.push(`${quoted(`cat:${other}`)}=${numbers((seat) => seat.category === other)}`);
  }
  const flag = (key: string, named: string): void => {
    if (named !== '') parts.push(`${key}=${named}`);
  };
  flag(
    'accessible',
    numbers((seat) => seat.accessible === true),
  );
  flag(
    'companion',
    numbers((seat) => seat.companion === true),
  );
  flag(
    'restricted',
    numbers((seat) => seat.restrictedView === true),
  );
  if (typeof row.label === 'string') parts.push(`label=${quoted(row.label)}`);
  return parts.join(' ');
}

/** A number that would be read as something else is written without what would mislead. */
const plainNumber = (number: string): string =>
  number.replace(/[\s,|/"=#\\]+|(?<=^\d+)-(?=\d+$)/g, '_') || '_';

function mostFrequent(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

/** What differs between a chart and what was read back from its text, in words. */
function lostBetween(chart: Chart, back: Chart): string[] {
  const views: ReadonlyArray<readonly [string, (c: Chart) => unknown]> = [
    ['names', (c) => [c.name, c.categories]],
    ['sections', (c) => c.sections.map(({ name }) => name)],
    ['section ids and uuids', (c) => c.sections.map(({ id, uuid }) => [id, uuid])],
    ['rows', (c) => rowsOf(c).map((row) => [row.name, row.label])],
    ['row details', (c) => rowsOf(c).map((row) => [row.seatLabel, row.uuid, row.namePosition])],
    ['seat numbers', (c) => seatsOf(c).map((seat) => seat.number)],
    ['seat ids', (c) => seatsOf(c).map((seat) => seat.id)],
    ['seat details', (c) => seatsOf(c).map((s) => [s.uuid, s.startDirection, s.radius])],
    [
      'categories and flags of seats',
      (c) => seatsOf(c).map((s) => [s.category, s.accessible, s.companion, s.restrictedView]),
    ],
    ['areas', (c) => c.areas],
    ['drawn shapes', (c) => c.sections.map(({ shapes }) => shapes)],
    [
      'coordinates',
      (c) => [
        c.size,
        c.sections.map((s) => s.position),
        rowsOf(c).map((row) => row.position),
        seatsOf(c).map((seat) => seat.position),
      ],
    ],
  ];
  return views.filter(([, view]) => !isDeepStrictEqual(view(chart), view(back))).map(([n]) => n);
}

const rowsOf = (chart: Chart): ChartRow[] => chart.sections.flatMap((section) => section.rows);
const seatsOf = (chart: Chart): ChartRow['seats'][number][] =>
  rowsOf(chart).flatMap((row) => row.seats);

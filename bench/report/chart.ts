import { type Bar, figuresOf, type Result, type Spread, short } from '#bench/support/results.ts';
import { escapeHtml } from '#domain/html.ts';

const size = { label: 300, bars: 460, number: 130, row: 26, top: 22 } as const;

type Shown = { readonly name: string; readonly spread: Spread };

/** Rows as horizontal bars: the median as the bar, minimum to maximum as a line over it. */
export function chartOf(result: Result, figure: string, bars: readonly Bar[]): string {
  const rows = result.rows.flatMap((row): Shown[] => {
    const spread = figuresOf(row)[figure];
    return spread === undefined ? [] : [{ name: row.name, spread }];
  });
  const targets = bars
    .filter((bar) => bar.over === undefined && (bar.figure ?? 'perSecond') === figure)
    .flatMap(({ id, least, most }) =>
      [least, most].flatMap((at) => (at === undefined ? [] : [{ id, at }])),
    );
  const all = [
    ...rows.flatMap(({ spread }) => [spread.min, spread.max]),
    ...targets.map((t) => t.at),
  ];
  const place = scaleOf(all);
  const height = size.top + rows.length * size.row + 8;
  const width = size.label + size.bars + size.number;
  const lines = targets.map(({ id, at }) => {
    const x = (size.label + place(at)).toFixed(1);
    return (
      `<line class="target" x1="${x}" x2="${x}" y1="${size.top - 4}" y2="${height}"/>` +
      `<text class="target" x="${x}" y="12" text-anchor="middle">${id} ${short(at)}</text>`
    );
  });
  const drawn = rows.map((row, i) => rowOf(row, size.top + i * size.row, place));
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(figure)}">` +
    `${drawn.join('')}${[...new Set(lines)].join('')}</svg>`
  );
}

function rowOf({ name, spread }: Shown, y: number, place: (value: number) => number): string {
  const { min, median, max } = spread;
  const [from, mid, to] = [min, median, max].map((v) => (size.label + place(v)).toFixed(1));
  const middle = y + size.row / 2;
  return (
    `<text x="${size.label - 8}" y="${middle + 4}" text-anchor="end">${escapeHtml(name)}</text>` +
    `<rect x="${size.label}" y="${y + 4}" width="${Math.max(1, place(median)).toFixed(1)}"` +
    ` height="${size.row - 8}" rx="2"/>` +
    `<line class="spread" x1="${from}" x2="${to}" y1="${middle}" y2="${middle}"/>` +
    `<circle cx="${mid}" cy="${middle}" r="2.5"/>` +
    `<text x="${Math.max(Number(to), Number(mid)) + 8}" y="${middle + 4}">${short(median)}</text>`
  );
}

/** From a value to its place in the chart: logarithmic where the values lie far apart. */
function scaleOf(values: readonly number[]): (value: number) => number {
  const max = Math.max(...values, 0);
  const least = Math.min(...values.filter((v) => v > 0), max);
  if (max === 0) return () => 0;
  if (least <= 0 || max / least < 50) return (value) => (Math.max(0, value) / max) * size.bars;
  const from = Math.log10(least) - 0.3;
  return (value) =>
    value <= 0 ? 0 : ((Math.log10(value) - from) / (Math.log10(max) - from)) * size.bars;
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { table } from '#bench/support/stats.ts';

export type Spread = { readonly min: number; readonly median: number; readonly max: number };

/** What a suite must reach to pass: the median of a row's rate. */
export type Bar = { readonly id: string; readonly what: string; readonly least: number };

export type Row = {
  readonly name: string;
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  /** Every answer stood in the store afterwards, and no seat twice. */
  readonly honest: boolean;
};

export type Figures = {
  readonly suite: string;
  readonly settings: object;
  readonly rows: readonly Row[];
  readonly bar: Bar;
  /** Rows that the bar is for; all when absent. */
  readonly barRows?: readonly string[];
};

/** Rows that miss the bar or do not add up. */
export function shortfalls(figures: Figures): string[] {
  const { rows, bar, barRows } = figures;
  return rows.flatMap((row) => [
    ...(row.honest ? [] : [`${row.name}: answers and store disagree; the run scores nothing`]),
    ...((barRows?.includes(row.name) ?? true) && row.perSecond.median < bar.least
      ? [`${row.name} falls short of ${bar.id}: ${bar.least} ${bar.what}`]
      : []),
  ]);
}

/** Prints the table and writes `bench/results/<suite>.json` with where and how it was measured. */
export function store(figures: Figures): void {
  const rounded = (s: Spread, digits: number): string =>
    [s.min, s.median, s.max].map((n) => n.toFixed(digits)).join(' / ');
  const head = ['min / median / max', 'per second', 'p50 ms', 'p99 ms', 'adds up'];
  const lines = figures.rows.map((row) => [
    row.name,
    rounded(row.perSecond, 0),
    rounded(row.p50Ms, 1),
    rounded(row.p99Ms, 1),
    row.honest ? 'yes' : 'NO',
  ]);
  console.log(`\n${table([head, ...lines])}\n`);
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${figures.suite}.json`, folder);
  writeFileSync(file, `${JSON.stringify({ ...where(), ...figures }, null, 2)}\n`);
  console.log(`Written to bench/results/${figures.suite}.json`);
}

function where() {
  return {
    at: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
    durability: 'every answer after w: majority, j: true on a one-node replica set',
    generator: 'closed loop, on the same cores',
  };
}

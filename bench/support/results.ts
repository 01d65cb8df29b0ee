import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { table } from '#bench/support/stats.ts';

export type Spread = { readonly min: number; readonly median: number; readonly max: number };

/**
 * One figure that a suite must reach to pass: the median of a row's figure is at least `least`, at
 * most `most`, or both.
 */
export type Bar = {
  /** Of the list of targets, such as `P1`. */
  readonly id: string;
  /** What is counted, such as `holds/s on one event`. */
  readonly what: string;
  /** Which figure of a row; default `perSecond`. */
  readonly figure?: string;
  /** The rows it is for; default all that have the figure. */
  readonly rows?: readonly string[];
  /** Makes it a ratio: the row's figure divided by the largest of these rows. */
  readonly over?: readonly string[];
  readonly least?: number;
  readonly most?: number;
};

/** What was measured of one thing. */
export type AnyRow = {
  readonly name: string;
  readonly perSecond?: Spread;
  readonly p50Ms?: Spread;
  readonly p99Ms?: Spread;
  /** Any others, by a name with its unit last: `p999Ms`, `bytesPerSeat`, `movedRatio`. */
  readonly figures?: Readonly<Record<string, Spread>>;
  /** Every answer stood in the store afterwards, and no seat twice. */
  readonly honest: boolean;
};

/** A row of a load that ran at some rate. */
export type Row = AnyRow & {
  readonly perSecond: Spread;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
};

export type Figures = {
  readonly suite: string;
  readonly settings: object;
  readonly rows: readonly AnyRow[];
  /** A single bar and the rows that it is for (all when absent); or `bars`. */
  readonly bar?: Bar;
  readonly barRows?: readonly string[];
  readonly bars?: readonly Bar[];
  /** Where they differ from a closed loop and a one-node replica set on the same cores. */
  readonly generator?: string;
  readonly durability?: string;
};

/** Every bar of a suite. */
export function barsOf({ bar, barRows, bars = [] }: Figures): readonly Bar[] {
  if (bar === undefined) return bars;
  return [{ ...bar, ...(barRows === undefined ? {} : { rows: barRows }) }, ...bars];
}

/** All figures of a row by name, in the order in which tables show them. */
export function figuresOf(row: AnyRow): Readonly<Record<string, Spread>> {
  const { perSecond, p50Ms, p99Ms, figures } = row;
  return {
    ...(perSecond && { perSecond }),
    ...(p50Ms && { p50Ms }),
    ...(p99Ms && { p99Ms }),
    ...figures,
  };
}

/** A row held to a bar: what it reached, and whether that is enough. */
export type Verdict = {
  readonly bar: Bar;
  readonly row: string;
  readonly reached: number;
  readonly holds: boolean;
};

/** Every bar with every row that it is for. A row that lacks the figure reaches NaN and fails. */
export function verdicts(figures: Figures): readonly Verdict[] {
  const medianOf = (row: AnyRow | undefined, { figure = 'perSecond' }: Bar): number =>
    (row && figuresOf(row)[figure]?.median) ?? Number.NaN;
  const rowNamed = (name: string) => figures.rows.find((row) => row.name === name);
  return barsOf(figures).flatMap((bar) => {
    const has = (row: AnyRow): boolean => figuresOf(row)[bar.figure ?? 'perSecond'] !== undefined;
    const names = bar.rows ?? figures.rows.filter(has).map(({ name }) => name);
    const others = (bar.over ?? []).map((name) => medianOf(rowNamed(name), bar));
    const divisor = bar.over === undefined ? 1 : Math.max(...others);
    return names.map((row) => {
      const reached = medianOf(rowNamed(row), bar) / divisor;
      const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = bar;
      return { bar, row, reached, holds: reached >= least && reached <= most };
    });
  });
}

/** Such as `at most 3000 ms`. */
export function barText({ least, most, what }: Bar): string {
  const parts = [
    ...(least === undefined ? [] : [`at least ${least}`]),
    ...(most === undefined ? [] : [`at most ${most}`]),
  ];
  return `${parts.join(' and ')} ${what}`;
}

/** A number with three figures behind a small one and none behind a large one. */
export function short(n: number): string {
  const size = Math.abs(n);
  if (size >= 100) return n.toFixed(0);
  if (size >= 10 || size === 0) return Number(n.toFixed(1)).toString();
  return Number(n.toPrecision(3)).toString();
}

/** Rows that miss a bar or do not add up, as sentences. */
export function shortfalls(figures: Figures): string[] {
  return [
    ...figures.rows
      .filter(({ honest }) => !honest)
      .map(({ name }) => `${name}: answers and store disagree; the run scores nothing`),
    ...verdicts(figures)
      .filter(({ holds }) => !holds)
      .map(({ bar, row, reached }) => {
        const got = Number.isNaN(reached) ? 'nothing' : short(reached);
        return `${row} falls short of ${bar.id}: ${got}, not ${barText(bar)}`;
      }),
  ];
}

/** A suite's figures with where and how they were measured, as `bench/results/` keeps them. */
export type Result = Figures & ReturnType<typeof where>;

/** Prints the table and writes `bench/results/<suite>.json` with where and how it was measured. */
export function store(figures: Figures): void {
  console.log(`\n${table(tableOf(figures))}\n`);
  const folder = new URL('../results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${figures.suite}.json`, folder);
  writeFileSync(file, `${JSON.stringify({ ...where(), ...figures }, null, 2)}\n`);
  console.log(`Written to bench/results/${figures.suite}.json`);
}

/** Head and rows of the table of a suite; what a row lacks is empty. */
export function tableOf({ rows }: Figures): string[][] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(figuresOf(row))))];
  const cell = (spread: Spread | undefined): string =>
    spread === undefined ? '' : [spread.min, spread.median, spread.max].map(short).join(' / ');
  return [
    ['min / median / max', ...names.map(titleOf), 'adds up'],
    ...rows.map((row) => [
      row.name,
      ...names.map((name) => cell(figuresOf(row)[name])),
      row.honest ? 'yes' : 'NO',
    ]),
  ];
}

const titles: Readonly<Record<string, string>> = {
  perSecond: 'per second',
  p50Ms: 'p50 ms',
  p99Ms: 'p99 ms',
};

/** A figure's name as people read it: `p999Ms` is `p999 ms`. */
export const titleOf = (figure: string): string =>
  titles[figure] ?? figure.replace(/([A-Z])/g, (_, letter: string) => ` ${letter.toLowerCase()}`);

/** When, of which commit and on what machine something is measured. */
export function origin() {
  return {
    at: new Date().toISOString(),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
  };
}

/** WiredTiger's cache: a third of the memory, 8 GB at most. (MongoDB itself would take half.) */
export const mongodCacheGb = Math.min(8, Math.max(1, Math.round(totalmem() / 2 ** 30 / 3)));

/** Where and how everything here is measured. */
export function where() {
  const cache = `${mongodCacheGb} GB of cache`;
  return {
    ...origin(),
    durability: `every answer after w: majority, j: true on a one-node replica set with ${cache}`,
    generator: 'closed loop, on the same cores',
  };
}

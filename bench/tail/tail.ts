import { stageRush } from '#bench/path/rush.ts';
import { type System, startSingle, startSplit } from '#bench/path/systems.ts';
import { type OpenLoadResult, openLoad } from '#bench/support/open-load.ts';
import { rawLoad } from '#bench/support/raw-load.ts';
import type { AnyRow, Bar, Figures } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';

export type TailOptions = {
  readonly runs: number;
  readonly seconds: number;
  readonly connections: number;
  readonly seats: number;
};

/** Connections of the open loop: more than a gateway lets in, so that it has to refuse. */
const openConnections = 4_000;
const shares = { steady: 0.7, overload: 3 } as const;

type TailRun = {
  readonly most: number;
  readonly steady: OpenLoadResult;
  readonly overload: OpenLoadResult;
  readonly honest: boolean;
};

/**
 * Reservations at a constant rate that does not wait for answers: 70 % of the most that the same
 * system answered in a closed loop just before, and three times as many. Latencies of accepted
 * requests count from the time each was due; of refusals, from the time each was sent.
 */
export async function measureTail(options: TailOptions): Promise<Figures> {
  const rows: AnyRow[] = [];
  for (const start of [startSingle, startSplit]) {
    const system = await start();
    try {
      const runs: TailRun[] = [];
      for (let round = 0; round <= options.runs; round++) {
        const run = await measureOnce(system, options);
        console.log(
          `${system.name}, ${round === 0 ? 'warm-up' : `run ${round}`}: ${describe(run)}`,
        );
        if (round > 0) runs.push(run);
      }
      rows.push(...rowsOf(system.name, runs));
    } finally {
      await system.stop();
    }
  }
  const generator =
    'open loop at a constant rate, on the same cores; latency from the time a request was due';
  return { suite: 'tail', settings: options, rows, bars: barsOf(rows), generator };
}

async function measureOnce(system: System, options: TailOptions): Promise<TailRun> {
  const { connections, seconds, seats } = options;
  const targets = system.gateways;
  const closed = await stageRush(system, seats, seats);
  const load = await rawLoad({ targets, connections, seconds, next: closed.next });
  const most = (load.statuses.get(200) ?? 0) / load.seconds;
  let honest = (load.statuses.get(200) ?? 0) === (await closed.reserved());
  const open = async (share: number): Promise<OpenLoadResult> => {
    const perSecond = Math.round(most * share);
    const rush = await stageRush(system, seats, perSecond * seconds);
    const result = await openLoad({
      targets,
      connections: openConnections,
      perSecond,
      seconds,
      next: rush.next,
    });
    honest &&= result.accepted.count === (await rush.reserved());
    return result;
  };
  const steady = await open(shares.steady);
  const overload = await open(shares.overload);
  return { most, steady, overload, honest };
}

const steadyName = (system: string): string => `${system}, 70 % load`;
const overloadName = (system: string): string => `${system}, 300 % load`;

function rowsOf(system: string, runs: readonly TailRun[]): AnyRow[] {
  const honest = runs.every((run) => run.honest);
  const of = (figure: (run: TailRun) => number) => spread(runs.map(figure));
  const loaded = (pick: (run: TailRun) => OpenLoadResult) => ({
    perSecond: of((run) => goodput(pick(run))),
    p50Ms: of((run) => pick(run).accepted.quantile(0.5)),
    p99Ms: of((run) => pick(run).accepted.quantile(0.99)),
  });
  return [
    {
      name: steadyName(system),
      ...loaded(({ steady }) => steady),
      figures: { p999Ms: of(({ steady }) => steady.accepted.quantile(0.999)) },
      honest,
    },
    {
      name: overloadName(system),
      ...loaded(({ overload }) => overload),
      figures: {
        goodputRatio: of(({ most, overload }) => goodput(overload) / most),
        refusalP50Ms: of(({ overload }) => overload.refused.quantile(0.5)),
        refusalP99Ms: of(({ overload }) => overload.refused.quantile(0.99)),
        withoutRetryAfter: of(({ overload }) => overload.withoutRetryAfter),
        generatorBusy: of(({ overload }) => overload.generatorBusy),
      },
      honest,
    },
  ];
}

const goodput = ({ accepted, seconds }: OpenLoadResult): number => accepted.count / seconds;

function barsOf(rows: readonly AnyRow[]): Bar[] {
  const names = rows.map(({ name }) => name);
  const steady = { id: 'P3', rows: names.filter((_, i) => i % 2 === 0) };
  const overload = { id: 'P3', rows: names.filter((_, i) => i % 2 === 1) };
  return [
    { ...steady, what: 'ms at p99', figure: 'p99Ms', most: 20 },
    { ...steady, what: 'ms at p99.9', figure: 'p999Ms', most: 100 },
    { ...overload, what: 'of the most', figure: 'goodputRatio', least: 0.9 },
    { ...overload, what: 'ms to a refusal', figure: 'refusalP50Ms', most: 5 },
    { ...overload, what: 'refusals without Retry-After', figure: 'withoutRetryAfter', most: 0 },
  ];
}

function describe({ most, steady, overload, honest }: TailRun): string {
  const ms = (n: number): string => `${n.toFixed(1)} ms`;
  const { accepted } = steady;
  const { refused } = overload;
  return (
    `at most ${most.toFixed(0)}/s; at 70 % p50 ${ms(accepted.quantile(0.5))}, ` +
    `p99 ${ms(accepted.quantile(0.99))}, p99.9 ${ms(accepted.quantile(0.999))}; ` +
    `at 300 % ${goodput(overload).toFixed(0)}/s accepted ` +
    `(p99 ${ms(overload.accepted.quantile(0.99))}), ${refused.count} refused ` +
    `(p50 ${ms(refused.quantile(0.5))}, p99 ${ms(refused.quantile(0.99))}), ` +
    `${overload.unsent} never sent, generator busy ${overload.generatorBusy.toFixed(2)}, ${JSON.stringify(Object.fromEntries(overload.codes))}` +
    `${honest ? '' : '; does not add up'}`
  );
}

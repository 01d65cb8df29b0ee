import { firstSeenShare, stageRush } from '#bench/path/rush.ts';
import { type System, startSingle, startSplit } from '#bench/path/systems.ts';
import { cpuSeconds } from '#bench/support/cpu.ts';
import { type LoadResult, rawLoad } from '#bench/support/raw-load.ts';
import type { Bar, Figures } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';

export type PathOptions = {
  readonly runs: number;
  readonly seconds: number;
  readonly connections: number;
  readonly seats: number;
};

type PathRun = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly accepted: number;
  readonly reservedInView: number;
  /** CPU of the system's own processes for one accepted reservation, µs; NaN where unknown. */
  readonly cpuMicros: number;
  readonly other: Readonly<Record<string, number>>;
};

/** The bar of the whole path on two cores, load generator and servers included. */
const pathBar: Bar = { id: 'P2', what: 'accepted reservations/s', least: 10_000 };

/**
 * Reservations through HTTP on one hot event: authentication, idempotency keys, validation, limits
 * and metrics on, half of the requests with a token that is new to the gateway; every answer after
 * a majority, journaled commit. Single process and cluster take turns, run by run.
 */
export async function measurePath(options: PathOptions): Promise<Figures> {
  const systems = [await startSingle(), await startSplit()];
  const runs = new Map<string, PathRun[]>(systems.map(({ name }) => [name, []]));
  try {
    for (let round = 0; round <= options.runs; round++) {
      for (const system of systems) {
        const run = await measureOnce(system, options);
        const label = round === 0 ? 'warm-up' : `run ${round}`;
        console.log(`${system.name}, ${label}: ${describe(run)}`);
        if (round > 0) runs.get(system.name)?.push(run);
      }
    }
  } finally {
    for (const system of systems) await system.stop();
  }
  return {
    suite: 'path',
    settings: { ...options, firstSeenTokens: firstSeenShare },
    rows: [...runs].map(([name, list]) => ({
      name,
      perSecond: spread(list.map((r) => r.perSecond)),
      p50Ms: spread(list.map((r) => r.p50Ms)),
      p99Ms: spread(list.map((r) => r.p99Ms)),
      figures: { cpuMicros: spread(list.map((r) => r.cpuMicros)) },
      honest: list.every((r) => r.accepted === r.reservedInView),
    })),
    bars: [pathBar, { id: 'P2', what: 'ms at p99', figure: 'p99Ms', most: 50 }],
  };
}

async function measureOnce(system: System, options: PathOptions): Promise<PathRun> {
  // A run can take no more than the seats there are.
  const rush = await stageRush(system, options.seats, options.seats);
  const before = cpuSeconds(system.pids);
  const load = await rawLoad({
    targets: system.gateways,
    connections: options.connections,
    seconds: options.seconds,
    next: rush.next,
  });
  const after = cpuSeconds(system.pids);
  const used = before === undefined || after === undefined ? Number.NaN : after - before;
  return runOf(load, await rush.reserved(), used);
}

function runOf(load: LoadResult, reservedInView: number, cpuUsed: number): PathRun {
  const accepted = load.statuses.get(200) ?? 0;
  const other: Record<string, number> = {};
  for (const [code, n] of load.codes) other[code] = n;
  if (load.broken > 0) other['broken connections'] = load.broken;
  return {
    perSecond: accepted / load.seconds,
    p50Ms: load.latency.quantile(0.5),
    p99Ms: load.latency.quantile(0.99),
    accepted,
    reservedInView,
    cpuMicros: (cpuUsed * 1e6) / Math.max(1, accepted),
    other,
  };
}

const describe = (run: PathRun): string =>
  `${run.perSecond.toFixed(0)}/s, p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms, ` +
  `${run.cpuMicros.toFixed(0)} µs of CPU each, ` +
  `${run.accepted} accepted, ${run.reservedInView} reserved, others ${JSON.stringify(run.other)}`;

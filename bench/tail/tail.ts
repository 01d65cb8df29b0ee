import { stageHotEvent } from '#bench/path/rush.ts';
import { type System, startSingle, startSplit } from '#bench/path/systems.ts';
import { type OpenLoadResult, openLoad } from '#bench/support/open-load.ts';
import { rawLoad } from '#bench/support/raw-load.ts';
import type { AnyRow, Bar, Figures } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';
import { Crowd } from '#bench/tail/crowd.ts';

export type TailOptions = {
  readonly runs: number;
  readonly seconds: number;
  readonly connections: number;
  readonly seats: number;
};

/** What is asked for, as part of the most, and the connections that ask in turns. */
const loads = {
  steady: { share: 0.7, connections: 2_000 },
  /** So many that who was refused comes back about as late as `Retry-After` says. */
  overload: { share: 3, connections: 16_000 },
} as const;
/** Seats of one run's event: what a gateway accepts in its three loads is to find place. */
const seatsPerSecond = 40_000;
const seatsMax = 120_000;
/** Buyers who were refused and have not come back yet. */
const waitingBuyers = 20_000;
const warmUpSeconds = 1;
/** What a closed loop may accept, for which there are to be buyers. */
const guessPerSecond = 15_000;

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
      const crowd = new Crowd(system.mongodbUri);
      const runs: TailRun[] = [];
      for (let round = 0; round <= options.runs; round++) {
        const seconds = round === 0 ? warmUpSeconds : options.seconds;
        const run = await measureOnce(system, crowd, { ...options, seconds });
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
    'open loop at a constant rate, one process on the same cores; latency from the time a request was due';
  return { suite: 'tail', settings: options, rows, bars: barsOf(rows), generator };
}

async function measureOnce(
  system: System,
  crowd: Crowd,
  { connections, seconds, seats }: TailOptions,
): Promise<TailRun> {
  const targets = system.gateways;
  const places = Math.min(seatsMax, Math.max(seats, seatsPerSecond * seconds));
  const event = await stageHotEvent(system, places);
  await crowd.gather(guessPerSecond * seconds, 0);
  const load = await rawLoad({ targets, connections, seconds, next: crowd.closed(event.eventId) });
  const closed = load.statuses.get(200) ?? 0;
  const most = closed / load.seconds;
  const open = async (kind: keyof typeof loads): Promise<OpenLoadResult> => {
    const perSecond = Math.round(most * loads[kind].share);
    await crowd.gather(most * Math.min(loads[kind].share, 1.5) * seconds, waitingBuyers);
    return openLoad({
      targets,
      connections: loads[kind].connections,
      perSecond,
      seconds,
      next: crowd.asks(event.eventId),
    });
  };
  const steady = await open('steady');
  const overload = await open('overload');
  const accepted = closed + steady.accepted.count + overload.accepted.count;
  if (accepted >= places) throw new Error(`${places} seats were too few: give fewer --seconds`);
  return { most, steady, overload, honest: accepted === (await event.reserved()) };
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
  const generatorOf = (pick: (run: TailRun) => OpenLoadResult) => ({
    generatorCpu: of((run) => pick(run).generatorCpu),
    sentLateP99Ms: of((run) => pick(run).lateness.quantile(0.99)),
  });
  return [
    {
      name: steadyName(system),
      ...loaded(({ steady }) => steady),
      figures: {
        p999Ms: of(({ steady }) => steady.accepted.quantile(0.999)),
        ...generatorOf(({ steady }) => steady),
      },
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
        ...generatorOf(({ overload }) => overload),
      },
      honest,
    },
  ];
}

const goodput = ({ acceptedInTime, seconds }: OpenLoadResult): number => acceptedInTime / seconds;

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
    `${overload.unsent} never sent, generator ${overload.generatorCpu.toFixed(2)} of a core and p99 ${ms(overload.lateness.quantile(0.99))} late, ${JSON.stringify(Object.fromEntries(overload.codes))}` +
    `${honest ? '' : '; does not add up'}`
  );
}

import { eventActor } from '#bench/core/actor-engine.ts';
import { closedLoop, type EngineRun, isHonest } from '#bench/core/closed-loop.ts';
import type { CommitLatency, Engine } from '#bench/core/engine.ts';
import {
  countedTransaction,
  redisLock,
  seatDocument,
  uniqueInsert,
  uniqueInsertInTransaction,
} from '#bench/core/rivals.ts';
import type { Bar, Figures, Row } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';

type CoreOptions = { readonly runs: number; readonly seconds: number };

const widths = { rivals: [8, 16, 32, 64], actor: [256, 512, 1_024, 2_048] };
const seatsOfRun = 120_000;
const addedLatenciesMs = [0, 1, 5];

const actorName = 'event actor';
const p99MsMost = 25;

/** `rivals`: rows of the same run by added latency, without the actor's. */
function barsFor(rivals: ReadonlyMap<number, readonly string[]>): readonly Bar[] {
  const at = (addedMs: number) => ({
    id: 'P1',
    rows: [rowName(actorName, addedMs)],
    over: rivals.get(addedMs) ?? [],
  });
  const { id, rows, over } = at(0);
  const counted = over.filter((name) => name.startsWith('D '));
  return [
    { id, rows, what: 'holds/s on one event', least: 60_000 },
    { id, rows, what: 'ms to the answer (p99)', figure: 'p99Ms', most: p99MsMost },
    { id, rows, over, what: 'times the strongest rival', least: 6 },
    { id, rows, over: counted, what: 'times a transaction that keeps a count', least: 100 },
    { ...at(5), what: 'times the strongest rival, commits 5 ms later', least: 15 },
  ];
}

/**
 * Reservations of single seats on one hot event against real MongoDB: the event actor and five
 * common ways to do it, each at the number of callers that suits it best, taking turns.
 */
export async function measureCore(options: CoreOptions): Promise<Figures> {
  const rows: Row[] = [];
  const rivals = new Map<number, readonly string[]>();
  const ratios: Record<string, Record<string, number>> = {};
  for (const addedMs of addedLatenciesMs) {
    const found = await measureAt(addedMs, options);
    rows.push(...found);
    rivals.set(
      addedMs,
      found.slice(1).map(({ name }) => name),
    );
    ratios[`+${addedMs} ms`] = ratiosOf(found);
  }
  for (const [at, of] of Object.entries(ratios)) {
    const texts = Object.entries(of).map(([name, ratio]) => `${ratio.toFixed(1)}× ${name}`);
    console.log(`event actor at ${at}: ${texts.join(', ')}`);
  }
  const settings = { ...options, seats: seatsOfRun, widths, ratios };
  return { suite: 'core', settings, rows, bars: barsFor(rivals) };
}

const rowName = (engine: string, addedMs: number): string => `${engine} (commit +${addedMs} ms)`;

async function measureAt(addedMs: number, { runs, seconds }: CoreOptions): Promise<Row[]> {
  const uri = process.env.USHER_TEST_MONGODB_URI ?? '';
  const latency: CommitLatency =
    addedMs === 0 ? async () => {} : () => new Promise((resolve) => setTimeout(resolve, addedMs));
  const engines: Engine[] = [
    await eventActor(uri, latency),
    await redisLock(uri, process.env.USHER_TEST_REDIS_URL ?? '', latency),
    await seatDocument(uri, latency),
    await uniqueInsert(uri, latency),
    await uniqueInsertInTransaction(uri, latency),
    await countedTransaction(uri, latency),
  ];
  try {
    const best = new Map<Engine, number>();
    for (const engine of engines) best.set(engine, await bestWidth(engine, seconds / 3, addedMs));
    const results = new Map<Engine, EngineRun[]>(engines.map((engine) => [engine, []]));
    for (let round = 0; round < runs; round++) {
      for (const engine of engines) {
        const width = best.get(engine) ?? 0;
        const run = await closedLoop(engine, { width, seconds, seats: seatsOfRun });
        results.get(engine)?.push(run);
        console.log(
          `+${addedMs} ms, run ${round + 1}, ${engine.name}, ${width} callers: ` +
            `${run.perSecond.toFixed(0)}/s, p99 ${run.p99Ms.toFixed(1)} ms`,
        );
      }
    }
    return engines.map((engine) => rowOf(engine, addedMs, results.get(engine) ?? []));
  } finally {
    for (const engine of engines) await engine.close();
  }
}

/**
 * The number of callers at which an engine gets most done; the actor, which is held to a latency as
 * well, among those that keep it if there is one. A caller of the actor waits for the commit of the
 * batch before its own and for its own, at worst for two more: later commits add to the latency.
 */
async function bestWidth(engine: Engine, seconds: number, addedMs: number): Promise<number> {
  const isActor = engine.name === actorName;
  const p99Most = p99MsMost + 4 * addedMs;
  let best = { width: 1, score: 0 };
  for (const width of isActor ? widths.actor : widths.rivals) {
    const run = await closedLoop(engine, { width, seconds, seats: seatsOfRun });
    const score = isActor && run.p99Ms > p99Most ? run.perSecond / 1_000 : run.perSecond;
    if (score > best.score) best = { width, score };
  }
  return best.width;
}

const rowOf = (engine: Engine, addedMs: number, list: readonly EngineRun[]): Row => ({
  name: rowName(engine.name, addedMs),
  perSecond: spread(list.map((r) => r.perSecond)),
  p50Ms: spread(list.map((r) => r.p50Ms)),
  p99Ms: spread(list.map((r) => r.p99Ms)),
  honest: list.every(isHonest),
});

/** How many times the actor's median each rival's is. */
function ratiosOf(rows: readonly Row[]): Record<string, number> {
  const actor = rows[0]?.perSecond.median ?? 0;
  return Object.fromEntries(
    rows.slice(1).map((row) => [row.name, actor / Math.max(1, row.perSecond.median)]),
  );
}

import { buyerTokens } from '#bench/path/buyers.ts';
import { type System, startSingle, startSplit } from '#bench/path/systems.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvent } from '#bench/support/organizer.ts';
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
  readonly other: Readonly<Record<string, number>>;
};

/** The bar of the whole path on two cores, load generator and servers included. */
export const pathBar: Bar = { id: 'P2', what: 'accepted reservations/s', least: 3_000 };

/**
 * Reservations through HTTP on one hot event: authentication, idempotency keys, validation, limits
 * and metrics on; every answer after a majority, journaled commit. Single process and cluster take
 * turns, run by run.
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
    settings: options,
    rows: [...runs].map(([name, list]) => ({
      name,
      perSecond: spread(list.map((r) => r.perSecond)),
      p50Ms: spread(list.map((r) => r.p50Ms)),
      p99Ms: spread(list.map((r) => r.p99Ms)),
      honest: list.every((r) => r.accepted === r.reservedInView),
    })),
    bar: pathBar,
  };
}

async function measureOnce(system: System, options: PathOptions): Promise<PathRun> {
  const http = new HttpClient(
    system.gateways.map(({ host, port }) => `http://${host}:${port}`),
    8,
  );
  const plan = seatGrid(options.seats);
  const eventId = await stageEvent(http, { title: 'One hot event', plan });
  // Two live holds a buyer is the limit; a run can take no more than the seats there are.
  const tokens = await buyerTokens(system.mongodbUri, Math.ceil(options.seats / 2));
  const load = await rawLoad({
    targets: system.gateways,
    connections: options.connections,
    seconds: options.seconds,
    next: reserveRequests(eventId, tokens),
  });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const view = await http.send<{ counts: { reserved: number } }>(
    'GET',
    `/v1/events/${eventId}/availability`,
  );
  await http.close();
  return runOf(load, view.body.counts.reserved);
}

/** Whole HTTP requests, each for one best seat, two for each buyer, made as they are needed. */
function reserveRequests(eventId: string, tokens: readonly string[]): () => Buffer | undefined {
  const body = JSON.stringify({ eventId, best: { quantity: 1 } });
  let turn = 0;
  return () => {
    const token = tokens[turn % tokens.length];
    if (turn >= 2 * tokens.length) return undefined;
    const key = `bench-${turn++}`;
    return Buffer.from(
      `POST /v1/reserve HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n` +
        `idempotency-key: ${key}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  };
}

function runOf(load: LoadResult, reservedInView: number): PathRun {
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
    other,
  };
}

const describe = (run: PathRun): string =>
  `${run.perSecond.toFixed(0)}/s, p50 ${run.p50Ms.toFixed(1)} ms, p99 ${run.p99Ms.toFixed(1)} ms, ` +
  `${run.accepted} accepted, ${run.reservedInView} reserved, others ${JSON.stringify(run.other)}`;

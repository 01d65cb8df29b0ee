import { MongoClient } from 'mongodb';
import { createHost, type Host } from '#actors/host.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import type { Journal } from '#adapters/journal/port.ts';
import { makeId } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { Command } from '#domain/inventory/commands.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { packLayout } from '#domain/layout.ts';
import { type Limits, limits } from '#domain/limits.ts';

const perRow = 50;

/** Id of seat number `i` of a floor. */
const seatId = (i: number): string => `${Math.floor(i / perRow) + 1}-${(i % perRow) + 1}`;

/** A flat floor of `seats` seats with one price, on sale. */
export function floorTerms(seats: number): Terms {
  const layout = {
    categories: ['Floor'],
    seats: Array.from({ length: seats }, (_, i) => ({
      id: seatId(i),
      section: 'Floor',
      row: String(Math.floor(i / perRow) + 1),
      number: String((i % perRow) + 1),
      category: 0,
      order: i % perRow,
      rank: i,
    })),
    areas: [],
  };
  return {
    currency: 'EUR',
    prices: { Floor: 5_000 },
    fees: [],
    taxes: [],
    chartVersion: 1,
    layout: packLayout(layout),
    limits: {
      ticketsPerBuyer: limits.ticketsPerBuyerAndEvent,
      liveHoldsPerBuyer: limits.liveHoldsPerBuyerAndEvent,
      holdTtlMs: limits.holdTtlMs,
    },
    sale: { status: 'open', opensAt: null, closesAt: null },
    channels: ['public'],
    endsAt: Date.now() + 86_400_000,
  };
}

/** Deadlines of a benchmark's commands: nothing is to be dropped. */
export const farAhead = (): number => Date.now() + 30 * 60_000;

export const newEventId = (): string => makeId('event', systemIds.ulid());

export const openCommand = (eventId: string, terms: Terms): Command => ({
  kind: 'open',
  id: 'open',
  eventId,
  deadline: farAhead(),
  version: 1,
  terms,
});

/** What a gateway makes of the request of a new buyer for one seat. */
export function holdOf(eventId: string, seat: number): Extract<Command, { kind: 'hold' }> {
  const buyerId = makeId('user', systemIds.ulid());
  const want = { by: 'seats', seats: [seatId(seat)] } as const;
  const id = deriveCommandId({ buyerId, route: 'reserve', eventId, key: String(seat) });
  return {
    kind: 'hold',
    id,
    eventId,
    deadline: farAhead(),
    holdId: holdIdOf(eventId, id),
    fingerprint: fingerprintOf(want),
    buyerId,
    channel: 'public',
    want,
  };
}

export type NodeInBench = {
  readonly host: Host;
  readonly journal: Journal;
  /** Ends without a last word, as a crash would. */
  close(): Promise<void>;
};

type NodeOptions = {
  readonly nodeId: string;
  /** Limits that are lowered. */
  readonly lower?: Partial<Limits>;
  /** Waits after every commit, before it is acknowledged. */
  readonly latency?: () => Promise<void>;
};

/** An inventory node of its own name on this database. */
export async function startNode(
  uri: string,
  { nodeId, lower = {}, latency = async () => {} }: NodeOptions,
): Promise<NodeInBench> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority', journal: true } });
  await client.connect();
  const db = client.db('usher_bench_events');
  await prepareInventory(db);
  const own = { ...limits, ...lower };
  const store = createMongoInventory(db, own, systemClock);
  const append: Journal['append'] = async (entry) => {
    await store.journal.append(entry);
    await latency();
  };
  const host = createHost({
    nodeId,
    clock: systemClock,
    ids: systemIds,
    ...store,
    journal: { ...store.journal, append },
    limits: own,
    publish: () => {},
    report: (problem, data) => console.error(problem, data),
  });
  await host.start();
  return {
    host,
    journal: store.journal,
    async close() {
      host.abandon();
      await client.close();
    },
  };
}

/**
 * Has commands of one event decided, as often as the answer is that the owner is not sure yet.
 * Throws for any other refusal, and after a minute.
 */
export async function accepted(host: Host, eventId: string, commands: readonly Command[]) {
  const until = Date.now() + 60_000;
  for (;;) {
    const replies = await host.execute(eventId, commands);
    const refused = replies.find((reply) => !reply.ok);
    if (refused === undefined || refused.ok) return replies;
    const again = ['unavailable', 'moved', 'outcome-unknown', 'overloaded'].includes(refused.code);
    if (!again || Date.now() > until) throw new Error(`refused: ${refused.code} ${refused.detail}`);
    await systemClock.sleep(5);
  }
}

/** Bytes in use after a full collection: objects and typed arrays. */
export async function memoryInUse(): Promise<number> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    collect();
    await systemClock.tick();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

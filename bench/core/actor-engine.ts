import { MongoClient } from 'mongodb';
import { createHost, type Host } from '#actors/host.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import type { CommitLatency, Engine } from '#bench/core/engine.ts';
import { makeId } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { Command } from '#domain/inventory/commands.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { packLayout } from '#domain/layout.ts';
import { limits } from '#domain/limits.ts';

const perRow = 50;
const callMs = 10_000;

/** A flat floor with one price; ids `1-1`, `1-2`, … */
function termsFor(seats: number): Terms {
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

const seatId = (i: number): string => `${Math.floor(i / perRow) + 1}-${(i % perRow) + 1}`;

function holdCommand(eventId: string, seat: number, buyerId: string): Command {
  const want = { by: 'seats', seats: [seatId(seat)] } as const;
  const id = deriveCommandId({ buyerId, route: 'reserve', eventId, key: String(seat) });
  return {
    kind: 'hold',
    id,
    eventId,
    deadline: Date.now() + callMs,
    holdId: holdIdOf(eventId, id),
    fingerprint: fingerprintOf(want),
    buyerId,
    channel: 'public',
    want,
  };
}

async function untilServing(host: Host, command: Command): Promise<void> {
  let why = 'no answer';
  for (let attempt = 0; attempt < 100; attempt++) {
    const [reply] = await host.execute(command.eventId, [command]);
    if (reply?.ok === true) return;
    if (reply !== undefined) why = reply.code;
    await systemClock.sleep(50);
  }
  throw new Error(`The event could not be opened within 5 s: ${why}.`);
}

/** The event actor of the inventory nodes on its journal, called in the same process. */
export async function eventActor(uri: string, latency: CommitLatency): Promise<Engine> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority', journal: true } });
  await client.connect();
  const db = client.db('usher_bench_actor');
  await db.dropDatabase();
  await prepareInventory(db);
  const store = createMongoInventory(db, limits, systemClock);
  const journal = {
    ...store.journal,
    append: async (entry: Parameters<typeof store.journal.append>[0]) => {
      await store.journal.append(entry);
      await latency();
    },
  };
  const host = createHost({
    nodeId: 'bench',
    clock: systemClock,
    ids: systemIds,
    ...store,
    journal,
    limits,
    publish: () => {},
    report: (problem, data) => console.error(problem, data),
  });
  await host.start();
  let eventId = '';
  const buyers = new Map<string, string>();
  const buyerIdOf = (name: string): string => {
    let known = buyers.get(name);
    if (known === undefined) {
      known = makeId('user', systemIds.ulid());
      buyers.set(name, known);
    }
    return known;
  };
  return {
    name: 'event actor',
    async prepare(seats) {
      buyers.clear();
      eventId = makeId('event', systemIds.ulid());
      const deadline = Date.now() + callMs;
      const terms = termsFor(seats);
      await untilServing(host, { kind: 'open', id: 'open', eventId, deadline, version: 1, terms });
    },
    async reserve(seat, buyer) {
      const command = holdCommand(eventId, seat, buyerIdOf(buyer));
      const [reply] = await host.execute(eventId, [command]);
      if (reply?.ok === true) return true;
      if (reply?.code === 'seats-unavailable') return false;
      throw new Error(`A hold was answered ${reply?.code ?? 'by nothing'}.`);
    },
    count: () => countHeld(store.journal, eventId),
    async close() {
      await host.stop();
      await client.close();
    },
  };
}

/** Reads every `held` fact back from the journal itself. */
async function countHeld(
  journal: ReturnType<typeof createMongoInventory>['journal'],
  eventId: string,
): Promise<{ reservations: number; distinctSeats: number }> {
  const places = new Set<number>();
  let reservations = 0;
  for (let from = 1; ; ) {
    const entries = await journal.replay(eventId, from, 50);
    for (const entry of entries) {
      for (const fact of JSON.parse(entry.facts) as { type: string; places?: number[] }[]) {
        if (fact.type !== 'held') continue;
        reservations++;
        for (const place of fact.places ?? []) places.add(place);
      }
    }
    const last = entries.at(-1);
    if (last === undefined) return { reservations, distinctSeats: places.size };
    from = last.seq + 1;
  }
}

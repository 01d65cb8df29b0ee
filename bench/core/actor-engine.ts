import { MongoClient } from 'mongodb';
import { createHost, type Host } from '#actors/host.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import {
  createMongoInventory,
  type InventoryStore,
  prepareInventory,
} from '#adapters/journal/mongo.ts';
import type { Entry, Journal } from '#adapters/journal/port.ts';
import type { CommitLatency, Engine, Order } from '#bench/core/engine.ts';
import { makeId } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { Command } from '#domain/inventory/commands.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { packLayout } from '#domain/layout.ts';
import { limits } from '#domain/limits.ts';

const perRow = 50;
/** Deadlines are set before a run starts and must outlive it. */
const callMs = 10 * 60_000;
/** Commands made between two looks at the heartbeats of the host, which share the process. */
const madeAtOnce = 1_000;

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

/** What a gateway makes of a request. */
function holdCommand(eventId: string, { seat }: Order): Command {
  const buyerId = makeId('user', systemIds.ulid());
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

/** As a command arrives from the wire. */
const parsed = (command: Command): Command => JSON.parse(JSON.stringify(command)) as Command;

/** The event actor of the inventory nodes on its journal, called in the same process. */
export async function eventActor(uri: string, latency: CommitLatency): Promise<Engine> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority', journal: true } });
  await client.connect();
  const db = client.db('usher_bench_actor');
  await db.dropDatabase();
  await prepareInventory(db);
  const store = createMongoInventory(db, limits, systemClock);
  const append = async (entry: Entry): Promise<void> => {
    await store.journal.append(entry);
    await latency();
  };
  let host: Host | undefined;
  let eventId = '';
  let commands: Command[] = [];
  return {
    name: 'event actor',
    async prepare(seats, orders) {
      // A node of its own for every run: no event of an earlier one is left in memory.
      host?.abandon();
      host = await startHost({ ...store, journal: { ...store.journal, append } });
      eventId = makeId('event', systemIds.ulid());
      const deadline = Date.now() + callMs;
      const terms = termsFor(seats);
      await untilServing(host, { kind: 'open', id: 'open', eventId, deadline, version: 1, terms });
      commands = [];
      for (const [turn, order] of orders.entries()) {
        if (turn % madeAtOnce === 0) await systemClock.tick();
        commands.push(parsed(holdCommand(eventId, order)));
      }
    },
    async reserve(turn) {
      const [reply] = (await host?.execute(eventId, [commands[turn] as Command])) ?? [];
      if (reply?.ok === true) return true;
      if (reply?.code === 'seats-unavailable') return false;
      throw new Error(`A hold was answered ${reply?.code ?? 'by nothing'}.`);
    },
    count: () => countHeld(store.journal, eventId),
    async close() {
      host?.abandon();
      await client.close();
    },
  };
}

async function startHost(store: InventoryStore): Promise<Host> {
  const host = createHost({
    nodeId: 'bench',
    clock: systemClock,
    ids: systemIds,
    ...store,
    limits,
    publish: () => {},
    report: (problem, data) => console.error(problem, data),
  });
  await host.start();
  return host;
}

/** Reads every `held` fact back from the journal itself. */
async function countHeld(
  journal: Journal,
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

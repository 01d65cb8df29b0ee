import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { factsOf } from '#actors/entries.ts';
import { createHost, type Host } from '#actors/host.ts';
import type { CommandReply } from '#actors/mailbox.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { Command, HoldView } from '#domain/inventory/commands.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { countsOf, createState, type EventState } from '#domain/inventory/state.ts';
import { packView } from '#domain/inventory/view.ts';
import { limits } from '#domain/limits.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

const eventId = makeId('event', systemIds.ulid());
const seats = 400;
const buyers = 600;
const names = ['node-a', 'node-b'] as const;

const deadline = (): number => Date.now() + 10_000;

const holdOf = (seat: number): Command => ({
  kind: 'hold',
  id: systemIds.ulid(),
  eventId,
  deadline: deadline(),
  holdId: makeScopedId('reservation', eventId, systemIds.ulid()),
  fingerprint: 'f',
  buyerId: makeId('user', systemIds.ulid()),
  channel: 'public',
  want: { by: 'seats', seats: [`A-${seat}`] },
});

describeWith(['mongod'], 'two hosts on one database', () => {
  let database: TestDatabase;
  const hosts = new Map<string, Host>();
  const dead = new Set<string>();

  const start = async (nodeId: string): Promise<Host> => {
    const host = createHost({
      nodeId,
      clock: systemClock,
      ids: systemIds,
      ...createMongoInventory(database.db, limits, systemClock),
      limits: { ...limits, snapshotEveryEntries: 20 },
      publish: () => {},
    });
    hosts.set(nodeId, host);
    await host.start();
    return host;
  };

  /** As a gateway does: follows `moved`, asks the other after a silence, with the same command. */
  const ask = async (command: Command): Promise<CommandReply> => {
    let at: string = names[Math.floor(Math.random() * 2)] ?? 'node-a';
    for (;;) {
      const other = at === 'node-a' ? 'node-b' : 'node-a';
      const [reply] = dead.has(at)
        ? []
        : ((await hosts.get(at)?.execute(eventId, [{ ...command, deadline: deadline() }])) ?? []);
      const again = ['moved', 'unavailable', 'outcome-unknown', 'overloaded'];
      if (reply !== undefined && (reply.ok || !again.includes(reply.code))) return reply;
      at = other;
      await systemClock.sleep(20);
    }
  };

  beforeAll(async () => {
    database = await testDatabase('contention');
    await prepareInventory(database.db);
    await Promise.all(names.map(start));
    await systemClock.sleep(limits.heartbeatDeadMs + 200);
    const terms = termsOf(layoutOf([{ row: 'A', seats }]), { endsAt: Date.now() + 86_400_000 });
    const opening = { id: 'open', eventId, deadline: deadline(), version: 1, terms };
    expect(await ask({ kind: 'open', ...opening })).toMatchObject({ ok: true });
  });

  afterAll(async () => {
    await Promise.all([...hosts.values()].map((host) => host.stop()));
    await database.drop();
  });

  const replayed = async (): Promise<EventState> => {
    const state = createState(eventId);
    const { journal } = createMongoInventory(database.db, limits, systemClock);
    for (let from = 1; ; from += 100) {
      const entries = await journal.history(eventId, from, 100);
      for (const entry of entries) {
        for (const fact of factsOf(entry)) {
          evolve(state, fact, entry.at, entry.seq);
        }
      }
      if (entries.length < 100) return state;
    }
  };

  it('sell no seat twice and lose nothing while the owner dies and comes back', async () => {
    const owners = names.filter((name) => hosts.get(name)?.list().length === 1);
    expect(owners).toHaveLength(1);
    const owner = owners[0] ?? 'node-a';
    const replies: CommandReply[] = [];
    const contend = Array.from({ length: buyers }, async (_, i) => {
      await systemClock.sleep(Math.random() * 1_500);
      replies.push(await ask(holdOf(1 + ((i * 7) % seats))));
    });
    const disturb = async (): Promise<void> => {
      await systemClock.sleep(600);
      dead.add(owner);
      hosts.get(owner)?.abandon();
      await systemClock.sleep(3_000);
      await start(owner);
      dead.delete(owner);
    };
    await Promise.all([...contend, disturb()]);

    const won = replies.flatMap((reply) => (reply.ok ? [reply.value as HoldView] : []));
    const taken = won.flatMap((held) => held.seats.map((seat) => seat.id));
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken).toHaveLength(seats);
    expect(replies.filter((r) => !r.ok).map((r) => !r.ok && r.code)).toEqual(
      Array<string>(buyers - seats).fill('seats-unavailable'),
    );

    const state = await replayed();
    for (const { holdId } of won) expect(state.holds.has(holdId)).toBe(true);
    expect(countsOf(state)).toEqual({ available: 0, reserved: seats, sold: 0, blocked: 0 });
    const [holder] = [...hosts.values()].filter((host) => host.list().length === 1);
    const live = await holder?.view(eventId);
    expect(live).toMatchObject({ version: state.seq, seats: packView(state) });
  });

  it('hand an event over, and nobody who asks meanwhile is refused', async () => {
    const from = [...hosts.values()].find((host) => host.list().length === 1);
    const startedAt = performance.now();
    const [handedOver, reply] = await Promise.all([from?.drain(), ask(holdOf(1))]);
    expect(handedOver).toBe(1);
    expect(reply).toMatchObject({ ok: false, code: 'seats-unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const other = [...hosts.values()].find((host) => host.list().length === 1);
    expect(other?.nodeId).not.toBe(from?.nodeId);
  });
});

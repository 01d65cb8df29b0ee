import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createHost, type Host } from '#actors/host.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createMongoInventory } from '#adapters/journal/mongo.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import { type BookingCluster, startBookings } from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const day = 86_400_000;

describeWith(['mongod', 'nats-server'], 'an event that was over long ago', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let eventId: string;
  const hosts: Host[] = [];

  beforeAll(async () => {
    database = await testDatabase('retention');
    cluster = await startBookings(database);
    const ada = await cluster.buyer();
    eventId = await cluster.openEvent();
    for (const seats of [['A-1', 'A-2'], ['A-3']]) {
      const { holdId: reservationId } = await cluster.hold(eventId, ada, seats);
      const payment = { method: 'card', token: 'pm_card_visa' };
      const { body } = await cluster.ask('POST', '/v1/checkout', ada, { reservationId, payment });
      await cluster.ask('GET', `/v1/bookings/${body.bookingId}?wait=10`, ada);
    }
    await verified();
    await cluster.stop();
  }, 60_000);

  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await database?.drop();
  }, 60_000);

  const verified = async () => {
    const report = await verifyEvent(database.db, eventId, { settled: true, settleMs: 10_000 });
    expect(report.findings).toEqual([]);
    expect(report.settled).toBe(true);
    return report.figures;
  };
  const keys = async (): Promise<number[]> => {
    const found = database.db.collection<{ seq: number }>('journal').find({ eventId });
    return (await found.sort({ _id: 1 }).toArray()).map(({ seq }) => seq);
  };

  /** The exit code of a command on this database. */
  const run = (...args: readonly string[]): Promise<number> =>
    new Promise((resolve) => {
      execFile(process.execPath, [...args, '--uri', database.uri], (error) =>
        resolve(Number(error?.code ?? 0)),
      );
    });

  /** A node for which it is `days` later by its own clock and by the database's. */
  const nodeIn = async (days: number): Promise<Host> => {
    const clock = { ...systemClock, now: () => systemClock.now() + days * day };
    const store = createMongoInventory(database.db, limits, systemClock);
    const host = createHost({
      nodeId: `later-${days}`,
      clock,
      ids: systemIds,
      ...store,
      nodes: {
        ...store.nodes,
        beat: async (...row) => (await store.nodes.beat(...row)) + days * day,
      },
      limits,
      publish: () => {},
    });
    hosts.push(host);
    await host.start();
    // Until it may judge who lives.
    await systemClock.sleep(limits.heartbeatDeadMs + 2 * limits.heartbeatEveryMs);
    return host;
  };

  it('has all its keys six days after its end', async () => {
    const before = await keys();
    const host = await nodeIn(7);
    await host.wake(eventId);
    await systemClock.sleep(3 * limits.upkeepEveryMs);
    expect(await host.stop()).toBeUndefined();
    expect((await keys()).slice(0, before.length)).toEqual(before);
  }, 30_000);

  it('has them no more when it is found later, and is verified all the same', async () => {
    const before = await verified();
    const last = (await keys()).at(-1) ?? 0;
    const host = await nodeIn(30);
    expect(await host.forgettable(10)).toEqual([eventId]);
    await host.wake(eventId);
    for (let i = 0; i < 100 && (await keys())[0] === 1; i++) await systemClock.sleep(100);
    expect(await keys()).toEqual([last + 1]);
    expect(await verified()).toEqual({ ...before, 'journal entries': last + 1 });
    expect(await database.db.collection('journal_archive').countDocuments({ eventId })).toBe(last);
    expect(await database.db.collection('snapshots').countDocuments({ eventId })).toBe(1);
    expect(await run('ops/audit/audit-verify.ts')).toBe(0);
    expect(await run('ops/verify/verify-event.ts', eventId, '--settled')).toBe(0);
    await host.stop();
  }, 30_000);

  it('goes on from there for whoever claims it next', async () => {
    const before = await verified();
    const host = await nodeIn(31);
    const hold: Command = {
      kind: 'hold',
      id: systemIds.ulid(),
      eventId,
      deadline: Date.now() + 32 * day,
      holdId: makeScopedId('reservation', eventId, systemIds.ulid()),
      fingerprint: 'f',
      buyerId: makeId('user', systemIds.ulid()),
      channel: 'public',
      want: { by: 'seats', seats: ['A-1'] },
    };
    expect(await host.execute(eventId, [hold])).toMatchObject([{ code: 'seats-unavailable' }]);
    expect(await verified()).toMatchObject({ sold: before.sold, available: before.available });
    const numbers = await keys();
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
  }, 30_000);
});

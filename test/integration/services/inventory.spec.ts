import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call, type ResultOf } from '#broker/call.ts';
import type { PayloadOf, UsherEvent } from '#broker/events.ts';
import { hasCode } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { unpackView } from '#domain/inventory/view.ts';
import { limits } from '#domain/limits.ts';
import { rankNodes } from '#domain/placement.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

const eventId = makeId('event', systemIds.ulid());
const seats = 6;

const base = () => ({ id: systemIds.ulid(), eventId, deadline: Date.now() + 5_000 });

const openCommand = (): Command => ({
  ...base(),
  kind: 'open',
  version: 1,
  terms: termsOf(layoutOf([{ row: 'A', seats }]), { endsAt: Date.now() + 86_400_000 }),
});

const holdOf = (seat: number): Command => ({
  ...base(),
  kind: 'hold',
  holdId: makeScopedId('reservation', eventId, systemIds.ulid()),
  fingerprint: 'f',
  buyerId: makeId('user', systemIds.ulid()),
  channel: 'public',
  want: { by: 'seats', seats: [`A-${seat}`] },
});

describeWith(['mongod', 'nats-server'], 'inventory service', () => {
  const namespace = testNamespace();
  const [best, other] = rankNodes(eventId, ['inv-1', 'inv-2']) as [string, string];
  const heard: PayloadOf<'inventory.changed'>[] = [];
  const brokers = new Map<string, ServiceBroker>();
  let database: TestDatabase;
  let outside: ServiceBroker;

  const start = async (nodeId: string): Promise<void> => {
    const config = testConfig({ nodeId, mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createInventoryService(runtime)];
    const shared = { namespace, natsUrl: natsUrl(), nodeId };
    brokers.set(nodeId, await startBroker({ services, ...shared }));
  };

  const execute = (nodeID: string, ...commands: Command[]) =>
    call(outside, 'inventory.execute', { eventId, commands }, { nodeID });

  beforeAll(async () => {
    database = await testDatabase('inventory');
    await Promise.all([start(best), start(other)]);
    const events = {
      'inventory.changed': (ctx: UsherEvent<'inventory.changed'>) => heard.push(ctx.params),
    };
    const listener = { name: 'listener', events };
    outside = await startBroker({ services: [listener], namespace, natsUrl: natsUrl() });
    await outside.waitForServices('inventory');
    await systemClock.sleep(limits.heartbeatDeadMs + 700);
  });

  afterAll(async () => {
    await outside.stop();
    for (const broker of brokers.values()) await broker.stop();
    await database.drop();
  });

  describe('execute', () => {
    it('knows no event that was never opened', async () => {
      const { replies } = await execute(best, holdOf(1));
      expect(replies).toMatchObject([{ ok: false, code: 'not-found' }]);
    });

    it('answers each command of a message, in order', async () => {
      expect((await execute(best, openCommand())).replies).toMatchObject([{ ok: true }]);
      const { replies } = await execute(best, holdOf(1), holdOf(1), holdOf(2));
      expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual([
        'ok',
        'seats-unavailable',
        'ok',
      ]);
    });

    it('tells from the wrong node who the owner is', async () => {
      const failed = execute(other, holdOf(3));
      await expect(failed).rejects.toMatchObject({ code: 'moved', data: { owner: best } });
    });

    it('takes no command of another event', async () => {
      const stray = { ...holdOf(3), eventId: makeId('event', systemIds.ulid()) };
      await expect(execute(best, stray)).rejects.toMatchObject({ code: 'invalid-request' });
    });
  });

  it('shows the whole event at one version, and broadcasts what changes', async () => {
    const view = await call(outside, 'inventory.view', { eventId }, { nodeID: best });
    expect(view).toMatchObject({ version: 3, sale: 'open', counts: { available: 4, reserved: 2 } });
    expect(unpackView(view.seats, seats)).toEqual([1, 1, 0, 0, 0, 0]);
    // The opening is told first: beside it the news would be "fetch everything".
    await systemClock.sleep(3 * limits.deltaEveryMs);
    await execute(best, holdOf(4));
    await systemClock.sleep(400);
    const last = heard.filter((delta) => delta.changes.length > 0).at(-1);
    expect(last).toMatchObject({ eventId, version: 4, counts: { reserved: 3 }, changes: [[3, 1]] });
  });

  it('lets operators look', async () => {
    const inspected = await call(outside, 'inventory.inspect', { eventId }, { nodeID: best });
    expect(inspected).toMatchObject({ owner: best, epoch: 1, seq: 4, holds: 3, mailbox: 0 });
    const from = (nodeID: string): Promise<ResultOf<'inventory.list'>> =>
      call(outside, 'inventory.list', {}, { nodeID });
    expect((await from(best)).events).toMatchObject([{ eventId, seq: 4 }]);
    expect((await from(other)).events).toEqual([]);
    const unknown = makeId('event', systemIds.ulid());
    const nothing = call(outside, 'inventory.inspect', { eventId: unknown }, { nodeID: best });
    expect(await nothing.catch((error: unknown) => hasCode(error, 'not-found'))).toBe(true);
  });

  it('hands its events to the next node when its broker stops, which serves on at once', async () => {
    await brokers.get(best)?.stop();
    brokers.delete(best);
    const { replies } = await execute(other, holdOf(4), holdOf(5));
    expect(replies.map((reply) => (reply.ok ? 'ok' : reply.code))).toEqual([
      'seats-unavailable',
      'ok',
    ]);
    expect(await call(outside, 'inventory.orphans', {})).toEqual({ events: [] });
    const entries = await database.db
      .collection('journal')
      .find({ facts: /handed-over/ })
      .toArray();
    expect(entries).toHaveLength(1);
  });

  it('drains when told, and takes nothing more', async () => {
    expect(await call(outside, 'inventory.drain', {}, { nodeID: other })).toEqual({
      handedOver: 1,
    });
    await expect(execute(other, holdOf(6))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { codeOf } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { rankNodes } from '#domain/placement.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

/** A line to NATS that can be made to swallow everything, as a cut network does. */
class Line {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #cut = false;

  constructor() {
    const target = new URL(natsUrl());
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => this.#cut || to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
  }

  /** What was swallowed is lost: the client must connect anew. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

describeWith(['mongod', 'nats-server'], 'an inventory node that loses NATS but not MongoDB', () => {
  const eventId = makeId('event', systemIds.ulid());
  const [best, second] = rankNodes(eventId, ['inv-1', 'inv-2']) as [string, string];
  const namespace = testNamespace();
  const brokers: ServiceBroker[] = [];
  let database: TestDatabase;
  let line: Line;
  let gateway: ServiceBroker;

  const start = async (nodeId: string, url: string): Promise<void> => {
    const config = testConfig({ nodeId, mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createInventoryService(runtime)];
    const broker = { requestTimeout: 3_000 };
    brokers.push(await startBroker({ services, namespace, nodeId, natsUrl: url, broker }));
  };

  beforeAll(async () => {
    database = await testDatabase('cut-from-nats');
    line = new Line();
    await start(best, await line.open());
    await start(second, natsUrl());
    gateway = await startBroker({ services: [], namespace, natsUrl: natsUrl() });
    await gateway.waitForServices('inventory');
    await systemClock.sleep(limits.heartbeatDeadMs + 700);
  }, 30_000);

  afterAll(async () => {
    line.mend();
    await systemClock.sleep(4_000);
    await gateway.stop();
    await Promise.all(brokers.map((broker) => broker.stop()));
    line.close();
    await database.drop();
  }, 60_000);

  it('gives its events to one that callers can reach', async () => {
    const config = testConfig();
    const client = inventoryClientOf(gateway, { config, clock: systemClock, ids: systemIds });
    const base = () => ({ eventId, deadline: Date.now() + limits.callTimeoutMs });
    const terms = termsOf(layoutOf([{ row: 'A', seats: 6 }]), { endsAt: Date.now() + 86_400_000 });
    const open = { kind: 'open', id: systemIds.ulid(), version: 1, terms, ...base() } as const;
    await client.execute<'open'>(open);
    const owners = (): Promise<unknown[]> =>
      database.db.collection('journal').distinct('node', { eventId });
    expect(await owners()).toEqual([best]);

    line.cut();
    const hold: Omit<CommandOf<'hold'>, 'deadline'> = {
      kind: 'hold',
      eventId,
      id: systemIds.ulid(),
      holdId: makeScopedId('reservation', eventId, systemIds.ulid()),
      fingerprint: 'f',
      buyerId: makeId('user', systemIds.ulid()),
      channel: 'public',
      want: { by: 'seats', seats: ['A-1'] },
    };
    const cutAt = Date.now();
    const held = async (): Promise<unknown> => {
      for (;;) {
        try {
          return await client.execute<'hold'>({ ...hold, ...base() });
        } catch (error) {
          if (Date.now() - cutAt > 20_000) throw error;
          expect(['outcome-unknown', 'moving', 'unavailable', 'deadline-exceeded']).toContain(
            codeOf(error),
          );
        }
      }
    };
    expect(await held()).toMatchObject({ holdId: hold.holdId });
    expect((await owners()).sort()).toEqual([best, second].sort());
    const handed = { eventId, node: best, facts: `[{"type":"handed-over","to":"${second}"}]` };
    expect(await database.db.collection('journal').countDocuments(handed)).toBe(1);
  }, 40_000);
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { codeOf } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { rankNodes } from '#domain/placement.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { startUsher, temporaryFolder, type Usher } from '#test/support/process.ts';
import {
  describeWith,
  freePort,
  natsUrl,
  type TestDatabase,
  testDatabase,
} from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

describeWith(['mongod', 'nats-server'], 'an inventory process that is killed', () => {
  const namespace = testNamespace();
  const folder = temporaryFolder();
  const nodes = new Map<string, Usher>();
  let database: TestDatabase;
  let gateway: ServiceBroker;

  beforeAll(async () => {
    database = await testDatabase('failover');
    for (const nodeId of ['inventory-1', 'inventory-2']) {
      const settings = {
        NODE_ID: nodeId,
        NAMESPACE: namespace,
        ROLE: 'inventory',
        NATS_URL: natsUrl(),
        MONGODB_URI: database.uri,
        STRIPE_SECRET_KEY: 'sk_test_none',
        STRIPE_WEBHOOK_SECRET: 'whsec_none',
        OPS_PORT: String(await freePort()),
        LOG_LEVEL: 'error',
        NODE_ENV: 'test',
      };
      nodes.set(nodeId, startUsher(folder.path, settings));
    }
    gateway = await startBroker({
      services: [],
      nodeId: 'gateway',
      namespace,
      natsUrl: natsUrl(),
    });
    const registry = gateway.registry as unknown as {
      getActionEndpoints(name: string): { endpoints: unknown[] } | undefined;
    };
    for (let i = 0; i < 2_000; i++) {
      if (registry.getActionEndpoints('inventory.execute')?.endpoints.length === 2) return;
      await systemClock.sleep(10);
    }
    throw new Error([...nodes.values()].map((node) => node.output()).join('\n'));
  }, 60_000);

  afterAll(async () => {
    await gateway?.stop();
    for (const { child } of nodes.values()) child.kill('SIGKILL');
    await Promise.all([...nodes.values()].map((node) => node.ended()));
    await database.drop();
    folder.remove();
  }, 60_000);

  it('loses no hold that was answered, and buying goes on under the same command ids', async () => {
    const config = testConfig();
    const client = inventoryClientOf(gateway, { config, clock: systemClock, ids: systemIds });
    const eventId = makeId('event', systemIds.ulid());
    const base = () => ({ eventId, deadline: Date.now() + limits.callTimeoutMs });
    const hold = (n: number): Promise<unknown> => {
      const id = randomUUID().replaceAll('-', '');
      const want = { by: 'seats', seats: [`A-${n}`] } as const;
      const command = (): CommandOf<'hold'> => ({
        kind: 'hold',
        id,
        holdId: holdIdOf(eventId, id),
        fingerprint: fingerprintOf(want),
        buyerId: `usr_${String(n).padStart(26, '0')}`,
        channel: 'public',
        want,
        ...base(),
      });
      const again = async (): Promise<unknown> => {
        for (let tries = 0; ; tries++) {
          try {
            return await client.execute<'hold'>(command());
          } catch (error) {
            const retry = ['outcome-unknown', 'moving', 'unavailable', 'deadline-exceeded'];
            if (tries > 8 || !retry.includes(codeOf(error) ?? '')) throw error;
          }
        }
      };
      return again();
    };
    const terms = termsOf(layoutOf([{ row: 'A', seats: 200 }]));
    await client.execute<'open'>({ kind: 'open', id: randomUUID(), version: 1, terms, ...base() });
    await Promise.all(Array.from({ length: 50 }, (_, i) => hold(i + 1)));

    const [owner = ''] = rankNodes(eventId, [...nodes.keys()]);
    const during = Array.from({ length: 50 }, (_, i) => hold(i + 51));
    nodes.get(owner)?.child.kill('SIGKILL');
    const start = Date.now();
    await Promise.all([...during, hold(101)]);
    expect(Date.now() - start).toBeLessThan(10_000);

    const view = await client.view(eventId, Date.now() + limits.callTimeoutMs);
    expect(view.counts).toEqual({ available: 99, reserved: 101, sold: 0, blocked: 0 });
  }, 60_000);
});

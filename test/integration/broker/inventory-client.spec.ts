import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { UsherContext } from '#broker/call.ts';
import type { InventoryClient } from '#broker/inventory-client.ts';
import type { ExecuteReply } from '#contracts/inventory.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { rankNodes } from '#domain/placement.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, natsUrl } from '#test/support/servers.ts';

type Asked = { readonly ids: string[]; readonly suspect: string | undefined };

/** A node whose inventory answers as the test says: it shows the way messages take, no seats. */
type Node = {
  readonly id: string;
  readonly asked: Asked[];
  answer: (commandId: string) => ExecuteReply | Promise<never>;
};

const silence = (): Promise<never> => new Promise(() => undefined);
const done = (): ExecuteReply => ({ ok: true, value: { holdId: 'x' } });
const moved = (owner: string) => (): ExecuteReply => ({
  ok: false,
  code: 'moved',
  detail: 'moved',
  data: { owner },
});

describeWith(['nats-server'], 'the inventory client on NATS', () => {
  const namespace = testNamespace();
  const nodes = new Map<string, Node>();
  const brokers: ServiceBroker[] = [];
  let client: InventoryClient;

  const service = (node: Node): ServiceSchema => ({
    name: 'inventory',
    actions: {
      execute: async (ctx: UsherContext<{ commands: { id: string }[]; suspect?: string }>) => {
        const ids = ctx.params.commands.map(({ id }) => id);
        node.asked.push({ ids, suspect: ctx.params.suspect });
        return { replies: await Promise.all(ids.map((id) => node.answer(id))) };
      },
    },
  });

  beforeAll(async () => {
    const shared = { namespace, natsUrl: natsUrl() };
    for (const id of ['n1', 'n2', 'n3'].map((name) => `${name}-${namespace}`)) {
      const node: Node = { id, asked: [], answer: done };
      nodes.set(id, node);
      brokers.push(await startBroker({ services: [service(node)], nodeId: id, ...shared }));
    }
    const gateway = await startBroker({ services: [], nodeId: `gw-${namespace}`, ...shared });
    brokers.push(gateway);
    const config = testConfig();
    client = inventoryClientOf(gateway, { config, clock: systemClock, ids: systemIds });
    const registry = gateway.registry as unknown as {
      getActionEndpoints(name: string): { endpoints: unknown[] } | undefined;
    };
    for (let i = 0; i < 500; i++) {
      if (registry.getActionEndpoints('inventory.execute')?.endpoints.length === 3) break;
      await systemClock.sleep(10);
    }
  }, 30_000);

  afterAll(async () => {
    await Promise.all(brokers.map((broker) => broker.stop()));
  }, 30_000);

  let counter = 0;
  /** A fresh event, and the nodes in its hash order, all answering. */
  function fresh() {
    const eventId = makeId('event', systemIds.ulid());
    const order = rankNodes(eventId, [...nodes.keys()]).map((id) => nodes.get(id) as Node);
    for (const node of order) {
      node.asked.length = 0;
      node.answer = done;
    }
    const [first, second, third] = order as [Node, Node, Node];
    const release = (deadlineMs: number = limits.callTimeoutMs) => {
      const command: CommandOf<'release'> = {
        kind: 'release',
        id: `c${++counter}`,
        eventId,
        holdId: 'rsv_1',
        buyerId: 'usr_1',
        deadline: Date.now() + deadlineMs,
      };
      return client.execute<'release'>(command);
    };
    return { first, second, third, release };
  }

  it('asks the node that the placement names, all commands of a tick in one message', async () => {
    const { first, second, third, release } = fresh();
    await Promise.all(Array.from({ length: 50 }, () => release()));
    expect(first.asked.map(({ ids }) => ids.length)).toEqual([50]);
    expect([second.asked, third.asked]).toEqual([[], []]);
  });

  it('follows moved under the same command id and remembers the owner', async () => {
    const { first, third, release } = fresh();
    first.answer = moved(third.id);
    await release();
    await release();
    expect(first.asked).toHaveLength(1);
    expect(third.asked).toHaveLength(2);
    expect(third.asked[0]?.ids).toEqual(first.asked[0]?.ids);
  });

  it('follows a moved that was thrown for the whole message', async () => {
    const { first, second, release } = fresh();
    first.answer = () => Promise.reject(new UsherError('moved', 'moved', { owner: second.id }));
    await release();
    expect(second.asked).toHaveLength(1);
  });

  it('reports a silent node to the next one within its deadline', async () => {
    const { first, second, release } = fresh();
    first.answer = silence;
    const start = Date.now();
    await expect(release()).resolves.toEqual({ holdId: 'x' });
    expect(Date.now() - start).toBeLessThan(limits.inventorySilenceMs + 500);
    expect(second.asked).toEqual([{ ids: first.asked[0]?.ids, suspect: first.id }]);
  });

  it('waits out a dead owner that is still believed alive', async () => {
    const { first, second, release } = fresh();
    first.answer = silence;
    const aliveUntil = Date.now() + limits.heartbeatDeadMs;
    second.answer = () => (Date.now() < aliveUntil ? moved(first.id)() : done());
    await expect(release()).resolves.toEqual({ holdId: 'x' });
    const suspects = second.asked.map(({ suspect }) => suspect);
    expect(suspects).toEqual([first.id, first.id, first.id]);
  });

  it('ends with an unknown outcome, in time, when nobody answers', async () => {
    const { first, second, third, release } = fresh();
    for (const node of [first, second, third]) node.answer = silence;
    const start = Date.now();
    await expect(release(1_000)).rejects.toMatchObject({ code: 'outcome-unknown' });
    expect(Date.now() - start).toBeLessThan(1_500);
  });

  it("passes a refusal on with the actor's code, sentence and data", async () => {
    const { first, release } = fresh();
    first.answer = () => ({
      ok: false,
      code: 'seats-unavailable',
      detail: 'gone',
      data: { seats: ['A-1'] },
    });
    await expect(release()).rejects.toMatchObject({
      code: 'seats-unavailable',
      message: 'gone',
      data: { seats: ['A-1'] },
    });
  });

  it('asks another node once one has left the cluster', async () => {
    const { first, second, release } = fresh();
    await release();
    const leaving = brokers.find(({ nodeID }) => nodeID === first.id);
    await leaving?.stop();
    await expect(release()).resolves.toEqual({ holdId: 'x' });
    expect(second.asked.at(-1)?.suspect).toBe(first.id);
  });
});

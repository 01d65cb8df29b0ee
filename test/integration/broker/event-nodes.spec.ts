import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { tellTakesEvents } from '#broker/event-nodes.ts';
import { inventorySender } from '#broker/inventory-sender.ts';
import { rankNodes } from '#domain/placement.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { describeWith, natsUrl } from '#test/support/servers.ts';

const eventId = 'evt_1';
const [best, second] = rankNodes(eventId, ['one', 'two']) as [string, string];

describeWith(['nats-server'], 'a node that takes no events', () => {
  const namespace = testNamespace();
  const nodes = new Map<string, ServiceBroker>();
  let gateway: ServiceBroker;

  beforeAll(async () => {
    for (const nodeId of [best, second]) {
      const services = [{ name: 'inventory', actions: { execute: () => nodeId } }];
      const shared = { namespace, natsUrl: natsUrl(), nodeId };
      nodes.set(nodeId, await startBroker({ services, contracts: [], ...shared }));
    }
    gateway = await startBroker({ services: [], namespace, natsUrl: natsUrl() });
  });

  afterAll(async () => {
    for (const broker of [gateway, ...nodes.values()]) await broker?.stop();
  });

  const asked = async (...expected: readonly string[]): Promise<void> => {
    const { nodesOf } = inventorySender(gateway);
    for (let tries = 0; tries < 300 && nodesOf(eventId).join() !== expected.join(); tries++) {
      await systemClock.sleep(10);
    }
    expect(nodesOf(eventId)).toEqual(expected);
  };

  it('is asked last by the others, until it takes events again', async () => {
    await asked(best, second);
    const node = nodes.get(best) as ServiceBroker;
    await tellTakesEvents(node, false);
    await asked(second, best);
    await tellTakesEvents(node, true);
    await asked(best, second);
  });
});

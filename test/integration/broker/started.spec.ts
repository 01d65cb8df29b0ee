import { expect, it } from '@jest/globals';
import { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { othersStarted } from '#broker/started.ts';

const nodeWith = (slow: () => Promise<void>, order: string[]): ServiceBroker => {
  const broker = new ServiceBroker({ logger: false });
  broker.createService({
    name: 'last',
    async started() {
      await othersStarted(broker, 'last', systemClock, 5_000);
      order.push('last');
    },
  });
  broker.createService({
    name: 'slow',
    async started() {
      await slow();
      order.push('slow');
    },
  });
  return broker;
};

it('lets a service start after all others of its node', async () => {
  const order: string[] = [];
  const broker = nodeWith(() => systemClock.sleep(100), order);
  await broker.start();
  expect(order).toEqual(['slow', 'last']);
  await broker.stop();
});

it('never starts it when the node stops because another one could not', async () => {
  const order: string[] = [];
  const broker = nodeWith(() => Promise.reject(new Error('no disk')), order);
  await expect(broker.start()).rejects.toThrow('no disk');
  await broker.stop();
  await systemClock.sleep(100);
  expect(order).toEqual([]);
});

import { describe, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { createWorkMiddleware, metricsOf } from '#broker/work-middleware.ts';
import { UsherError } from '#domain/errors.ts';
import { startBroker } from '#test/support/broker.ts';

/** A node whose action `slow.wait` takes 300 ms, and what it noted in order. */
async function start(drainMs: number): Promise<{ broker: ServiceBroker; notes: string[] }> {
  const notes: string[] = [];
  const broker = await startBroker({
    services: [
      {
        name: 'slow',
        actions: {
          async wait() {
            await systemClock.sleep(300);
            notes.push('finished');
            return 'done';
          },
          async refuse() {
            throw new UsherError('sold-out');
          },
        },
        stopped: () => {
          notes.push('stopped');
        },
      },
    ],
    broker: { middlewares: [createWorkMiddleware(systemClock, drainMs)] },
  });
  return { broker, notes };
}

describe('a stopping broker', () => {
  it('lets running actions finish before a service stops', async () => {
    const { broker, notes } = await start(5_000);
    const running = broker.call('slow.wait');
    await broker.stop();
    expect(await running).toBe('done');
    expect(notes).toEqual(['finished', 'stopped']);
  });

  it('waits no longer than it may', async () => {
    const { broker, notes } = await start(10);
    const running = broker.call('slow.wait');
    await broker.stop();
    expect(notes).toEqual(['stopped']);
    await running;
  });
});

it('counts and times actions by their outcome', async () => {
  const { broker } = await start(1_000);
  await broker.call('slow.wait');
  await broker.call('slow.refuse').catch(() => undefined);
  const text = (await metricsOf(broker)?.text()) ?? '';
  const labels = (action: string, outcome: string): string =>
    `{action="${action}",outcome="${outcome}",node="${broker.nodeID}"}`;
  expect(text).toContain(`usher_actions_total${labels('slow.wait', 'ok')} 1`);
  expect(text).toContain(`usher_actions_total${labels('slow.refuse', 'sold-out')} 1`);
  expect(text).toMatch(/usher_action_duration_seconds_sum\{[^}]*action="slow.wait"\} 0\.[2-9]/);
  await broker.stop();
});

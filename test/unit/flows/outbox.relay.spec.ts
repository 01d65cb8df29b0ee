import { describe, expect, it } from '@jest/globals';
import type { Message } from '#domain/booking-messages.ts';
import { limits } from '#domain/limits.ts';
import { OutboxRelay } from '#flows/outbox.relay.ts';
import { bookingIdOf, World } from '#test/unit/flows/world.ts';

const confirmedKey = `${bookingIdOf(10)}:confirmed`;

/** A world with one confirmation in its outbox, and relays whose consumer may be away. */
async function given() {
  const world = new World();
  await world.checkout();
  const stored: string[] = [];
  const lost: string[] = [];
  const consumer = { away: false };
  const relay = () =>
    new OutboxRelay({
      outbox: world.store,
      clock: world.clock,
      ids: world.ids,
      deliver: async ({ key }: Message) => {
        if (consumer.away) throw new Error('no answer');
        stored.push(key);
      },
      gaveUp: ({ key }) => lost.push(key),
    });
  const state = () => world.store.contents.outbox[0]?.state;
  return { world, stored, lost, consumer, relay, state };
}

describe('the outbox relay', () => {
  it('delivers at once when told, and no second time', async () => {
    const { stored, relay, state } = await given();
    const one = relay();
    one.relay([confirmedKey]);
    await one.idle();
    await one.sweep();
    expect(stored).toEqual([confirmedKey]);
    expect(state()).toBe('done');
  });

  it('finds by sweeping what nobody told it of', async () => {
    const { stored, relay } = await given();
    await relay().sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('lets one of several nodes deliver', async () => {
    const { stored, relay } = await given();
    await Promise.all([relay().sweep(), relay().sweep(), relay().sweep()]);
    expect(stored).toEqual([confirmedKey]);
  });

  it('tries again, later each time, until the consumer is back', async () => {
    const { world, stored, consumer, relay } = await given();
    consumer.away = true;
    const one = relay();
    await one.sweep();
    await one.sweep();
    expect(world.store.contents.outbox[0]).toMatchObject({ tries: 1, state: 'open' });
    consumer.away = false;
    world.clock.advance(2 * limits.outboxSweepEveryMs);
    await one.sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('delivers again what a relay took and did not finish', async () => {
    const { world, stored, relay } = await given();
    await world.store.takeMessage(confirmedKey, world.clock.now(), world.clock.now() + 15_000);
    await relay().sweep();
    expect(stored).toEqual([]);
    world.clock.advance(15_000);
    await relay().sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('keeps a message as failed after the last try, and says so', async () => {
    const { world, lost, consumer, relay, state } = await given();
    consumer.away = true;
    const one = relay();
    for (let i = 0; i < limits.outboxTriesMax; i++) {
      expect(state()).toBe('open');
      await one.sweep();
      world.clock.advance(limits.outboxBackoffMaxMs);
    }
    expect(state()).toBe('failed');
    expect(lost).toEqual([confirmedKey]);
  });

  it('sweeps each second until it drains', async () => {
    const { world, stored, relay } = await given();
    const one = relay();
    one.start();
    world.clock.advance(2 * limits.outboxSweepEveryMs);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(stored).toEqual([confirmedKey]);
    await one.drain();
    one.relay([confirmedKey]);
    await one.idle();
    expect(stored).toHaveLength(1);
  });
});

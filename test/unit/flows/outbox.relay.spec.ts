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
  const row = () => world.store.contents.outbox[0];
  const message = (): Message => {
    const written = row()?.message;
    if (written === undefined) throw new Error('no message was written');
    return written;
  };
  /** Whoever wrote it has died. */
  const forsake = () => world.clock.advance(limits.stepRetryMs);
  return { world, stored, lost, consumer, relay, row, message, forsake };
}

describe('the outbox relay', () => {
  it('delivers at once when told, and no second time', async () => {
    const { stored, relay, row, message, forsake } = await given();
    const one = relay();
    one.relay([message()]);
    await one.idle();
    forsake();
    await one.sweep();
    expect(stored).toEqual([confirmedKey]);
    expect(row()).toMatchObject({ state: 'done', tries: 1 });
  });

  it('leaves to the writer what was just written', async () => {
    const { stored, relay } = await given();
    await relay().sweep();
    expect(stored).toEqual([]);
  });

  it('finds by sweeping what the writer did not deliver', async () => {
    const { stored, relay, forsake } = await given();
    forsake();
    await relay().sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('lets one of several nodes deliver', async () => {
    const { stored, relay, forsake } = await given();
    forsake();
    await Promise.all([relay().sweep(), relay().sweep(), relay().sweep()]);
    expect(stored).toEqual([confirmedKey]);
  });

  it('tries again, later each time, until the consumer is back', async () => {
    const { world, stored, consumer, relay, row, message } = await given();
    consumer.away = true;
    const one = relay();
    one.relay([message()]);
    await one.idle();
    await one.sweep();
    expect(row()).toMatchObject({ tries: 1, state: 'open' });
    consumer.away = false;
    world.clock.advance(2 * limits.outboxSweepEveryMs);
    await one.sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('delivers again what a relay took and did not finish', async () => {
    const { world, stored, relay, forsake } = await given();
    forsake();
    await world.store.takeMessage(confirmedKey, world.clock.now(), world.clock.now() + 15_000);
    await relay().sweep();
    expect(stored).toEqual([]);
    world.clock.advance(15_000);
    await relay().sweep();
    expect(stored).toEqual([confirmedKey]);
  });

  it('keeps a message as failed after the last try, and says so', async () => {
    const { world, lost, consumer, relay, row, message } = await given();
    consumer.away = true;
    const one = relay();
    one.relay([message()]);
    await one.idle();
    for (let i = 1; i < limits.outboxTriesMax; i++) {
      world.clock.advance(limits.outboxBackoffMaxMs);
      expect(row()?.state).toBe('open');
      await one.sweep();
    }
    expect(row()?.state).toBe('failed');
    expect(lost).toEqual([confirmedKey]);
  });

  it('sweeps each second until it drains', async () => {
    const { world, stored, relay, message, forsake } = await given();
    forsake();
    const one = relay();
    one.start();
    world.clock.advance(2 * limits.outboxSweepEveryMs);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(stored).toEqual([confirmedKey]);
    await one.drain();
    one.relay([message()]);
    await one.idle();
    expect(stored).toHaveLength(1);
  });
});

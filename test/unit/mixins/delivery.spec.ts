import { describe, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import type { OutboxMessage } from '#contracts/messages.contract.ts';
import type { Message } from '#domain/booking-messages.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { deliveryTo } from '#mixins/delivery.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

const messageOf = (key: string, seats = 1): Message => ({
  key,
  eventId: 'evt',
  kind: 'booking-confirmed',
  to: { userId: 'usr' },
  data: { seats: Array.from({ length: seats }, (_, i) => ({ id: `A-${i}` })) },
});

/** A messages service that refuses what is odd, and may be away. */
function given() {
  const calls: string[][] = [];
  const consumer = { away: false };
  const take = async (_: string, { messages }: { messages: readonly OutboxMessage[] }) => {
    calls.push(messages.map(({ key }) => key));
    if (consumer.away) throw new UsherError('unavailable');
    if (messages.some(({ key }) => key === 'odd')) throw new UsherError('invalid-request');
    return { stored: messages.length };
  };
  const broker = { call: take } as unknown as ServiceBroker;
  return { calls, consumer, deliver: deliveryTo(broker, new ManualClock()) };
}

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `m-${i}`);

describe('the delivery of messages', () => {
  it('hands over together what comes in one moment, and nothing that is silent', async () => {
    const { calls, deliver } = given();
    const silent: Message = { ...messageOf('silent'), silent: true };
    await Promise.all([...keysOf(5).map((key) => messageOf(key)), silent].map(deliver));
    expect(calls).toEqual([keysOf(5)]);
  });

  it('hands over no more with one call than fits a message of the network', async () => {
    const { calls, deliver } = given();
    const large = keysOf(100).map((key) => messageOf(key, limits.boxOfficePlacesMax));
    await Promise.all(large.map(deliver));
    expect(calls.flat()).toEqual(keysOf(100));
    const bytes = calls.map((keys) => keys.length * limits.boxOfficePlacesMax * 500);
    expect(Math.max(...bytes)).toBeLessThan(limits.natsMessageBytesMax);
  });

  it('refuses alone what is against the contract', async () => {
    const { deliver } = given();
    const outcomes = await Promise.allSettled(
      ['a', 'odd', 'b'].map((key) => deliver(messageOf(key))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('rejects for each while the service is away', async () => {
    const { consumer, deliver } = given();
    consumer.away = true;
    const outcomes = await Promise.allSettled(['a', 'b'].map((key) => deliver(messageOf(key))));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    }
  });
});

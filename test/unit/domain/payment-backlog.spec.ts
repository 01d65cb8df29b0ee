import { describe, expect, it } from '@jest/globals';
import type { Booking } from '#domain/booking.ts';
import { type BacklogReason, BacklogTally, backlogItem } from '#domain/payment-backlog.ts';
import { providerAway } from '#domain/provider-away.ts';
import { World } from '#test/unit/flows/world.ts';

async function waiting(token: string, patch: Partial<Booking> = {}) {
  const world = new World();
  await world.checkout(token);
  return backlogItem({ ...(await world.booking()), ...patch });
}

describe('a payment that is not final', () => {
  it.each<[BacklogReason, string, Partial<Booking>]>([
    ['awaits-buyer', '3ds', {}],
    ['awaits-bank', 'slow', {}],
    ['payment-provider-unavailable', 'slow', { reason: providerAway }],
    ['capturing', 'ok', { status: 'selling', step: 'capture' }],
    ['closing-intent', '3ds', { status: 'expired', step: 'settle' }],
    ['returning-seats', 'ok', { status: 'cancelled', step: 'settle' }],
  ])('%s', async (reason, token, patch) => {
    expect(await waiting(token, patch)).toMatchObject({ reason, amount: 5_000, currency: 'EUR' });
  });

  it('is none where a booking has ended or waits for another card', async () => {
    expect(await waiting('ok')).toBeUndefined();
    expect(await waiting('declined')).toBeUndefined();
  });
});

it('a tally adds up by reason and currency', () => {
  const tally = new BacklogTally();
  const item = { bookingId: 'b', tries: 1, amount: 100, currency: 'EUR', since: 1_000 };
  tally.add({ ...item, reason: 'refunding' });
  tally.add({ ...item, reason: 'capturing', since: 500 });
  tally.add({ ...item, reason: 'refunding', currency: 'JPY', since: 800 });
  expect(tally.count).toBe(3);
  expect(tally.sums(2_000)).toEqual([
    {
      reason: 'capturing',
      count: 1,
      amounts: [{ amount: 100, currency: 'EUR' }],
      oldestMs: 1_500,
    },
    {
      reason: 'refunding',
      count: 2,
      amounts: [
        { amount: 100, currency: 'EUR' },
        { amount: 100, currency: 'JPY' },
      ],
      oldestMs: 1_200,
    },
  ]);
});

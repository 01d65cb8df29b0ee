import { describe, expect, it } from '@jest/globals';
import type { Booking } from '#domain/booking.ts';
import { payNow } from '#domain/instalment-moves.ts';
import { admits, outstanding, owed } from '#domain/instalments.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import {
  buy,
  cancelTickets,
  captured,
  days,
  kinds,
  pay,
  tell,
} from '#test/unit/domain/paid-in-parts.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { Mortal, World } from '#test/unit/flows/world.ts';

const amounts = (b: Booking): number[] => owed(b).map(({ amount }) => amount);

describe('a booking paid in instalments', () => {
  it('has its tickets with the first part, and is charged for the rest on the days', async () => {
    const world = new World(10_000);
    await buy(world);
    const first = await world.booking();
    expect(first).toMatchObject({ status: 'confirmed', step: 'owing' });
    expect(amounts(first)).toEqual([3_000, 3_000]);
    expect(admits(first)).toBe(false);
    expect(captured(world)).toEqual([4_000]);
    expect(contradictions(world)).toEqual([]);
    await days(world, 29);
    expect(captured(world)).toEqual([4_000]);
    await days(world, 1);
    expect(captured(world)).toEqual([4_000, 3_000]);
    expect(contradictions(world)).toEqual([]);
    await days(world, 30);
    const last = await world.booking();
    expect(last).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(captured(world)).toEqual([4_000, 3_000, 3_000]);
    expect(admits(last)).toBe(true);
    expect(kinds(world)).toEqual([
      'booking-confirmed',
      'instalment-coming',
      'instalment-paid',
      'instalment-coming',
      'instalment-paid',
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('is tried again by the rule, then ends: what was paid goes back less the fee', async () => {
    const world = new World(10_000);
    await buy(world);
    world.payments.offSessionAs = 'declined';
    await days(world, 30);
    expect((await world.booking()).arrears).toMatchObject({ no: 2, tries: 1 });
    await days(world, 6);
    expect((await world.booking()).arrears).toMatchObject({ no: 2, tries: 2 });
    expect((await world.booking()).status).toBe('confirmed');
    await days(world, 2);
    const ended = await world.booking();
    expect(ended).toMatchObject({ status: 'refunded', reason: 'instalments-unpaid', step: 'done' });
    expect(ended.returns).toMatchObject([{ amount: 3_000, kept: 1_000, unpaid: 6_000 }]);
    expect(world.event.soldTo.size).toBe(0);
    expect(kinds(world).slice(1)).toEqual([
      'instalment-coming',
      'instalment-failed',
      'instalment-failed',
      'instalments-unpaid',
      'booking-refunded',
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('recovers when the card pays again, or when the buyer pays with another', async () => {
    const world = new World(10_000);
    await buy(world);
    world.payments.offSessionAs = 'declined';
    await days(world, 30);
    await pay(world, { key: 'p', upTo: 2, token: 'ok' });
    expect(captured(world)).toEqual([4_000, 3_000]);
    expect((await world.booking()).arrears).toBeUndefined();
    world.payments.offSessionAs = 'ok';
    await days(world, 31);
    expect((await world.booking()).step).toBe('done');
    expect(contradictions(world)).toEqual([]);
  });

  it('can be paid off early, once per key', async () => {
    const world = new World(10_000);
    await buy(world);
    await pay(world, { key: 'p', token: 'ok' });
    await pay(world, { key: 'p', token: 'ok' });
    expect(captured(world)).toEqual([4_000, 6_000]);
    const booking = await world.booking();
    expect(booking.step).toBe('done');
    expect(() => payNow(booking, { key: 'q', token: 'ok' }, 0)).toThrow('Nothing is left');
    expect(contradictions(world)).toEqual([]);
  });

  it('closes what a buyer began and did not finish, and charges on the day as if it was not', async () => {
    const world = new World(10_000);
    await buy(world);
    await pay(world, { key: 'p', upTo: 2, token: '3ds' });
    const running = await world.booking();
    expect(running.step).toBe('charge');
    expect(() => payNow(running, { key: 'q', token: 'ok' }, 0)).toThrow('being charged');
    await world.pass(40 * 60_000);
    const closed = await world.booking();
    expect([closed.step, closed.arrears]).toEqual(['owing', undefined]);
    await days(world, 31);
    expect(captured(world)).toEqual([4_000, 3_000]);
    expect(contradictions(world)).toEqual([]);
  });

  it('is not charged while a bank asks money back, and at once when that is over', async () => {
    const world = new World(10_000);
    await buy(world);
    await tell(world, { disputeId: 'dp_1', state: 'open' });
    await days(world, 31);
    expect(captured(world)).toEqual([4_000]);
    await tell(world, { disputeId: 'dp_1', state: 'won' });
    await world.pass(60_000);
    expect(captured(world)).toEqual([4_000, 3_000]);
    expect(contradictions(world)).toEqual([]);
  });

  it('owes less when some tickets are given back, and gets back what is over', async () => {
    const world = new World(10_000);
    await buy(world);
    await cancelTickets(world, 1);
    const less = await world.booking();
    expect(less).toMatchObject({ status: 'partially_refunded', step: 'owing' });
    expect(amounts(less)).toEqual([1_000]);
    expect(captured(world)).toEqual([4_000]);
    expect(contradictions(world)).toEqual([]);
    await days(world, 31);
    expect(captured(world)).toEqual([4_000, 1_000]);
    expect((await world.booking()).step).toBe('done');
    await cancelTickets(world, 1);
    const all = await world.booking();
    expect(all.status).toBe('refunded');
    // The newest card first.
    expect(all.returns.map(({ amount, intentId }) => [amount, intentId])).toEqual([
      [0, undefined],
      [1_000, 'pi_2'],
      [4_000, 'pi_1'],
    ]);
    expect(contradictions(world)).toEqual([]);
  });

  it('owes nothing when all tickets are given back', async () => {
    const world = new World(10_000);
    await buy(world);
    await days(world, 31);
    await cancelTickets(world, 2);
    const booking = await world.booking();
    expect(booking.status).toBe('refunded');
    expect(outstanding(booking)).toBe(0);
    expect(booking.returns.reduce((sum, r) => sum + r.amount, 0)).toBe(7_000);
    await days(world, 40);
    expect(captured(world)).toEqual([4_000, 3_000]);
    expect(contradictions(world)).toEqual([]);
  });
});

describe('a worker killed at any of its calls while an instalment is paid', () => {
  /** What happens, and what may have been captured in the end. */
  type Play = readonly [(world: World, worker: BookingWorker) => Promise<void>, ...number[]];
  const plays: Readonly<Record<string, Play>> = {
    'of a due charge': [
      async (world, worker) => {
        await buy(world);
        await days(world, 31, worker);
      },
      7_000,
    ],
    'of a declined charge': [
      async (world, worker) => {
        await buy(world);
        world.payments.offSessionAs = 'declined';
        await days(world, 31, worker);
      },
      4_000,
    ],
    'of a capture that happens unheard': [
      async (world, worker) => {
        await buy(world);
        world.payments.captureAs = 'unknown-but-done';
        await days(world, 31, worker);
        world.payments.captureAs = 'succeeded';
      },
      7_000,
    ],
    'of the last try': [
      async (world, worker) => {
        await buy(world);
        world.payments.offSessionAs = 'declined';
        await days(world, 36);
        await days(world, 2, worker);
      },
      4_000,
    ],
    'of an early payment': [
      async (world, worker) => {
        await buy(world);
        await pay(world, { key: 'p', token: 'ok' }, worker);
      },
      4_000,
      10_000,
    ],
    'of a cancellation': [
      async (world, worker) => {
        await buy(world);
        await days(world, 31);
        await cancelTickets(world, 2, worker);
      },
      7_000,
    ],
  };
  it.each(Object.entries(plays))(
    '%s charges once and keeps the books',
    async (_, [play, ...sums]) => {
      for (const does of ['die-before', 'die-after'] as const) {
        for (let at = 1; at <= 60; at++) {
          const world = new World(10_000);
          const mortal = new Mortal({ at, does });
          await play(world, world.worker(mortal));
          await world.pass(60_000);
          await days(world, 1);
          const sum = captured(world).reduce((all, amount) => all + amount, 0);
          const found = contradictions(world);
          expect({ does, at, found }).toEqual({ does, at, found: [] });
          expect(sums).toContain(sum);
          if (!mortal.dead) break;
        }
      }
    },
    60_000,
  );
});

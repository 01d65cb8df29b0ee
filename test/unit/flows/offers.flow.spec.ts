import { describe, expect, it } from '@jest/globals';
import { openBooking } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { checkoutPrice } from '#domain/checkout-price.ts';
import { type InstalmentPlan, planned } from '#domain/instalment-plan.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { bookingIdOf, Mortal, World } from '#test/unit/flows/world.ts';

const hourMs = 3_600_000;
const bookingId = bookingIdOf(10);

const plan: InstalmentPlan = {
  planId: 'three',
  parts: 3,
  firstBasisPoints: 4_000,
  everyDays: 1,
  lastDueDaysBefore: 0,
  minTotal: 0,
  fee: 0,
  admitsBeforePaid: true,
  retryAfterDays: [1],
  cancelFee: 0,
};

/** A code takes 500 of 5 000, a voucher pays 1 500, a card 3 000 in three parts. */
async function begun(world: World, worker: BookingWorker): Promise<void> {
  const now = world.clock.now();
  const { hold } = world.event;
  const price = checkoutPrice(hold, world.offers, now);
  const terms = planned(price, plan, now, now + 30 * 24 * hourMs);
  if ('refused' in terms) throw new Error(terms.refused);
  const wish = { ...world.wish(), save: true };
  const booking = openBooking(bookingId, hold, wish, undefined, now, terms);
  expect(await world.store.insert(booking)).toBe('inserted');
  worker.run(booking);
  await worker.idle();
}

/** Hour by hour; due charges and what else is due are done by this worker. */
async function passHours(world: World, hours: number, worker = world.worker()): Promise<void> {
  for (let hour = 0; hour < hours; hour++) {
    world.clock.advance(hourMs);
    for (let sweeps = 0; sweeps < 3; sweeps++) {
      await worker.sweep().catch(() => 0);
      await worker.idle();
      world.clock.advance(20_000);
    }
  }
}

async function cancelled(world: World, worker: BookingWorker): Promise<void> {
  const tickets = await world.store.tickets([bookingId]);
  const decision = cancel(await world.booking(), tickets, { key: 'c' }, world.clock.now());
  if (decision.kind === 'refused' || decision.change === undefined) return;
  if ((await world.store.commit(decision.change)) !== 'done') return;
  worker.run(decision.change.booking);
  await worker.idle();
}

const money = (world: World) => ({
  voucher: [...world.store.claims.vouchers.values()].map(({ balance }) => balance),
  cards: [...world.payments.intents.values()].map(({ amount, refunded }) => [amount, refunded]),
});

describe('a booking with a promo code and a voucher that is paid in parts', () => {
  it('is paid by voucher and several charges, and gives them back, the newest first', async () => {
    const world = new World().withOffers(1_500);
    await begun(world, world.worker());
    await passHours(world, 60);
    expect(money(world)).toEqual({
      voucher: [0],
      cards: [
        [1_200, 0],
        [900, 0],
        [900, 0],
      ],
    });
    expect(contradictions(world)).toEqual([]);
    await cancelled(world, world.worker());
    await passHours(world, 2);
    const { status, returns } = await world.booking();
    expect(status).toBe('refunded');
    expect(returns.map(({ to, intentId, amount }) => [to, intentId, amount])).toEqual([
      ['card', 'pi_3', 900],
      ['card', 'pi_2', 900],
      ['card', 'pi_1', 1_200],
      ['voucher', undefined, 1_500],
    ]);
    expect(money(world).voucher).toEqual([1_500]);
    expect(contradictions(world)).toEqual([]);
  });

  it('gives back what was paid so far when it is cancelled half-way', async () => {
    const world = new World().withOffers(1_500);
    await begun(world, world.worker());
    await passHours(world, 30);
    await cancelled(world, world.worker());
    await passHours(world, 3);
    expect((await world.booking()).status).toBe('refunded');
    expect(money(world)).toEqual({
      voucher: [1_500],
      cards: [
        [1_200, 1_200],
        [900, 900],
      ],
    });
    expect(contradictions(world)).toEqual([]);
  });

  it('agrees with its books wherever its worker dies', async () => {
    const play = async (world: World, mortal: Mortal): Promise<void> => {
      const worker = world.worker(mortal);
      await begun(world, worker);
      await passHours(world, 52, worker);
      await cancelled(world, worker);
    };
    const whole = new Mortal();
    await play(new World().withOffers(1_500), whole);
    expect(whole.calls).toBeGreaterThan(20);
    for (let at = 1; at <= whole.calls; at++) {
      for (const does of ['die-before', 'die-after'] as const) {
        const mortal = new Mortal({ at, does });
        const world = new World().withOffers(1_500);
        await play(world, mortal);
        await passHours(world, 60);
        const where = `${does} call ${at}`;
        expect({ where, found: contradictions(world) }).toEqual({ where, found: [] });
      }
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import { counterUserOf } from '#domain/box-office.ts';
import { codeOf } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import type { BookingNews } from '#mixins/booking-flow.mixin.ts';
import { BookingWaiters } from '#mixins/booking-waiters.ts';
import { counterSaleActions } from '#services/bookings/counter.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { contradictions } from '#test/unit/flows/consistency.ts';
import { promoOf } from '#test/unit/flows/offers.ts';
import {
  bookingIdOf,
  buyerId,
  Mortal,
  reservationId,
  ulid,
  World,
} from '#test/unit/flows/world.ts';

const rule = promoOf({ perBuyerMax: 1, redemptionsMax: null });
const usedBy = counterUserOf('ada@example.org', null) ?? '';

/** A core node that may die at any call of a sale; the flows it begins run on a healthy one. */
function deskOf(world: World, mortal = new Mortal()): Desk {
  const { clock, event, store } = world;
  const waiters = new BookingWaiters<BookingNews>(clock, 10);
  world.changed = (_before, booking, _messages, tickets) =>
    waiters.notify(booking.bookingId, booking.status, { booking, tickets });
  const promotions = {
    of: async (wanted: { readonly buyerId: string }) => ({
      promo: {
        rule,
        uses: {
          inAll: store.claims.uses(rule.promoId),
          byBuyer: store.claims.uses(rule.promoId, wanted.buyerId),
        },
      },
      voucher: [...store.claims.vouchers.values()][0],
    }),
  };
  const desk = {
    store: mortal.wrap(store),
    inventory: mortal.wrap({ execute: async () => event.hold }),
    offers: mortal.wrap(promotions),
    events: { of: async () => undefined },
    worker: world.worker(),
    waiters,
    clock,
  };
  return desk as unknown as Desk;
}

const sell = (desk: Desk, own = 10) =>
  counterSaleActions(() => desk).openSale({
    params: {
      reservationId,
      buyerId,
      ulid: ulid(own),
      key: 'k',
      by: 'cash',
      staffId: makeId('user', ulid(77)),
      contact: { name: 'Ada', email: 'ada@example.org' },
      promoCode: 'early',
      voucher: 'code',
      usedBy,
    },
  });

const newWorld = (): World => new World().withOffers(2_000, rule);
const claimsOf = ({ store }: World) => ({
  bookings: store.contents.bookings.length,
  uses: store.claims.uses(rule.promoId, usedBy),
  balances: [...store.claims.vouchers.values()].map(({ balance }) => balance),
});
const taken = { bookings: 1, uses: 1, balances: [0] };

describe('a sale over the counter with a promo code and a voucher', () => {
  it('takes both once, wherever its node dies, and its repetition gives the sale', async () => {
    const whole = new Mortal();
    const calm = newWorld();
    expect((await sell(deskOf(calm, whole))).status).toBe('confirmed');
    expect(claimsOf(calm)).toEqual(taken);
    for (let at = 1; at <= whole.calls; at++) {
      for (const does of ['die-before', 'die-after'] as const) {
        const world = newWorld();
        await expect(sell(deskOf(world, new Mortal({ at, does })))).rejects.toThrow();
        const { bookings } = claimsOf(world);
        const nothing = { bookings: 0, uses: 0, balances: [2_000] };
        expect(claimsOf(world)).toEqual(bookings === 1 ? taken : nothing);
        const again = sell(deskOf(world));
        await world.pass(60_000);
        expect((await again).bookingId).toBe(bookingIdOf(10));
        const { status } = await world.booking();
        expect({ at, does, status }).toEqual({ at, does, status: 'confirmed' });
        expect(claimsOf(world)).toEqual(taken);
        expect(contradictions(world)).toEqual([]);
      }
    }
  });

  it('run twice at the same moment is one sale, though the code is good for one', async () => {
    const world = newWorld();
    const gate = Promise.withResolvers<void>();
    // It has seen no booking, and goes on when the other run has written it.
    const late = new Mortal({ at: 1, does: 'pause-after', until: gate.promise });
    const slower = sell(deskOf(world, late));
    const faster = await sell(deskOf(world));
    gate.resolve();
    const running = Promise.all([slower, faster]);
    await world.pass(60_000);
    const both = await running;
    expect(both.map(({ bookingId }) => bookingId)).toEqual([bookingIdOf(10), bookingIdOf(10)]);
    expect((await world.booking()).status).toBe('confirmed');
    expect(claimsOf(world)).toEqual(taken);
  });

  it('that another sale was faster than is refused, and takes nothing', async () => {
    const world = newWorld();
    await sell(deskOf(world));
    const refused = await sell(deskOf(world), 11).catch((error: unknown) => codeOf(error));
    expect(refused).toBe('promo-code-used-up');
    expect(claimsOf(world)).toEqual(taken);
  });
});

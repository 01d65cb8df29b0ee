import { describe, expect, it } from '@jest/globals';
import { codeOf } from '#domain/errors.ts';
import { checkout } from '#services/bookings/checkout.ts';
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

const codes = { promoCode: 'early', voucher: 'code' };

/** A core node that may die at any call of a checkout; its flows run on another. */
function deskOf(world: World, mortal = new Mortal()): Desk {
  const { clock, event } = world;
  const inventory = {
    execute: async () => event.hold,
  };
  const promotions = {
    of: async () => ({
      promo: { rule: promoOf({ perBuyerMax: 1 }), uses: { inAll: 0, byBuyer: 0 } },
      voucher: [...world.store.claims.vouchers.values()][0],
    }),
  };
  const desk = {
    store: mortal.wrap(world.store),
    inventory: mortal.wrap(inventory),
    offers: mortal.wrap(promotions),
    events: mortal.wrap({ of: async () => undefined }),
    provider: { reason: () => undefined },
    worker: { hasRoom: true, run: () => undefined },
    clock,
  };
  return desk as unknown as Desk;
}

const requestOf = (world: World, key = 'key-1', own = ulid(10)) => ({
  reservationId,
  buyerId,
  wish: { ...world.wish('ok', key), ...codes },
  ulid: own,
  deadline: world.clock.now() + 2_500,
});

const claimsOf = ({ store }: World) => ({
  bookings: store.contents.bookings.length,
  uses: [...store.claims.promos.keys()].map((promoId) => store.claims.uses(promoId)),
  balances: [...store.claims.vouchers.values()].map(({ balance }) => balance),
});

const taken = { bookings: 1, uses: [1], balances: [0] };

describe('another attempt of a declined booking whose hold was sold', () => {
  const declined = async () => {
    const world = new World();
    await world.checkout('declined');
    return { world, request: { ...requestOf(world, 'key-2'), wish: world.wish('ok', 'key-2') } };
  };
  const soldTo = (world: World, bookingId: string): void => {
    world.event.hold = { ...world.event.hold, status: 'sold', bookingId };
  };

  it('to this very booking, by a worker that stalled, is begun', async () => {
    const { world, request } = await declined();
    soldTo(world, bookingIdOf(10));
    const { status, attempts } = await checkout(deskOf(world), request);
    expect([status, attempts.length]).toEqual(['pending', 2]);
  });

  it('to another is refused', async () => {
    const { world, request } = await declined();
    soldTo(world, bookingIdOf(11));
    const refused = checkout(deskOf(world), request);
    await expect(refused).rejects.toMatchObject({ code: 'already-booked' });
    expect((await world.booking()).status).toBe('declined');
  });
});

describe('a checkout with a promo code and a voucher', () => {
  const newWorld = () => new World().withOffers(2_000, promoOf({ perBuyerMax: 1 }));

  it('takes both once, wherever its node dies, and its repetition gives the booking', async () => {
    const whole = new Mortal();
    const calm = newWorld();
    await checkout(deskOf(calm, whole), requestOf(calm));
    expect(claimsOf(calm)).toEqual(taken);
    for (let at = 1; at <= whole.calls; at++) {
      for (const does of ['die-before', 'die-after'] as const) {
        const world = newWorld();
        const first = checkout(deskOf(world, new Mortal({ at, does })), requestOf(world));
        await expect(first).rejects.toThrow('killed');
        const { bookings, uses, balances } = claimsOf(world);
        const nothing = { bookings: 0, uses: [0], balances: [2_000] };
        expect({ bookings, uses, balances }).toEqual(bookings === 1 ? taken : nothing);
        await checkout(deskOf(world), requestOf(world));
        expect(claimsOf(world)).toEqual(taken);
        await world.pass(60_000);
        expect((await world.booking()).status).toBe('confirmed');
        expect(contradictions(world)).toEqual([]);
      }
    }
  });

  it('is one of two at the same moment: the other is told, and takes nothing', async () => {
    const world = newWorld();
    const desks = [deskOf(world), deskOf(world)];
    const answers = await Promise.all(
      desks.map((desk, i) =>
        checkout(desk, requestOf(world, `key-${i}`, ulid(10 + i))).then(
          () => 'begun',
          (error: unknown) => codeOf(error),
        ),
      ),
    );
    expect(answers.sort()).toEqual(['begun', 'checkout-in-progress']);
    expect(claimsOf(world)).toEqual(taken);
  });
});

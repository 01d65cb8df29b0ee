import { describe, expect, it } from '@jest/globals';
import { codeOf, UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { type CheckoutRequest, checkout } from '#services/bookings/checkout.ts';
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
  plan: async () => undefined,
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
    const { booking } = await checkout(deskOf(world), request);
    expect([booking.status, booking.attempts.length]).toEqual(['pending', 2]);
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
        await expect(first).rejects.toThrow(/killed|dead/);
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

describe('a checkout under a key that was used', () => {
  const plain = (world: World, asked = 'body', key = 'key-1', own = ulid(10)) => ({
    ...requestOf(world, key, own),
    wish: { ...world.wish('ok', key), asked },
  });

  it('is the first one again, whatever has become of its booking and its hold', async () => {
    const world = new World();
    const desk = deskOf(world);
    const { booking, replayed } = await checkout(desk, plain(world));
    expect(replayed).toBe(false);
    const again = async () => {
      const accepted = await checkout(desk, plain(world));
      return [accepted.booking.bookingId, accepted.booking.status, accepted.replayed];
    };
    expect(await again()).toEqual([booking.bookingId, 'pending', true]);
    await world.pass(60_000);
    world.event.hold = { ...world.event.hold, status: 'sold' };
    expect(await again()).toEqual([booking.bookingId, 'confirmed', true]);
    desk.inventory.execute = () => Promise.reject(new UsherError('not-found'));
    expect(await again()).toEqual([booking.bookingId, 'confirmed', true]);
    expect(world.store.contents.bookings).toHaveLength(1);
  });

  it('is again an attempt after a decline, and each attempt remembers its own key', async () => {
    const world = new World();
    const first = plain(world);
    const declined = { ...first, wish: { ...first.wish, token: 'declined' } };
    const { booking } = await checkout(deskOf(world), declined);
    await world.pass(20_000);
    expect((await world.booking()).status).toBe('declined');
    const second = () => checkout(deskOf(world), plain(world, 'other card', 'key-2', ulid(11)));
    const both = await Promise.all([second(), second()]);
    expect(both.map((accepted) => accepted.booking.bookingId)).toEqual(
      [1, 2].map(() => booking.bookingId),
    );
    expect(both.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
    expect((await checkout(deskOf(world), declined)).replayed).toBe(true);
    expect((await world.booking()).attempts).toHaveLength(2);
  });

  it('is refused with another body, of the same reservation or of another', async () => {
    const world = new World();
    const desk = deskOf(world);
    await checkout(desk, plain(world));
    const refused = (request: CheckoutRequest) =>
      checkout(desk, request).then(
        () => 'begun',
        (error: unknown) => codeOf(error),
      );
    expect(await refused(plain(world, 'other body'))).toBe('idempotency-key-reused');
    const elsewhere = makeScopedId('reservation', makeId('event', ulid(4)), ulid(5));
    world.event.hold = {
      ...world.event.hold,
      holdId: elsewhere,
      eventId: makeId('event', ulid(4)),
    };
    const other = { ...plain(world, 'other body'), reservationId: elsewhere };
    expect(await refused(other)).toBe('idempotency-key-reused');
    expect(world.store.contents.bookings).toHaveLength(1);
    const own = { ...plain(world, 'other body', 'key-2', ulid(11)), reservationId: elsewhere };
    expect(await refused(own)).toBe('begun');
  });

  it('has one booking, wherever its node dies', async () => {
    const whole = new Mortal();
    const calm = new World();
    await checkout(deskOf(calm, whole), plain(calm));
    for (let at = 1; at <= whole.calls; at++) {
      for (const does of ['die-before', 'die-after'] as const) {
        const world = new World();
        const first = checkout(deskOf(world, new Mortal({ at, does })), plain(world));
        await expect(first).rejects.toThrow(/killed|dead/);
        const before = world.store.contents.bookings.length;
        const { replayed } = await checkout(deskOf(world), plain(world));
        expect(replayed).toBe(before === 1);
        expect(world.store.contents.bookings).toHaveLength(1);
      }
    }
  });
});

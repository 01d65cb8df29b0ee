import { describe, expect, it } from '@jest/globals';
import { pinned } from '#domain/booking-moves.ts';
import {
  aBooking,
  aHold,
  now,
  type StoreUnderTest,
  toSell,
} from '#test/integration/adapters/booking-store.suite.ts';

/** Bookings that are written in one moment, in every store. */
export function bookingGroupsSuite(open: () => StoreUnderTest): void {
  describe('many at once', () => manyAtOnce(open));
}

function manyAtOnce(open: () => StoreUnderTest): void {
  it('tells what is wrong with one to that one only', async () => {
    const { store, ledger } = open();
    const sales = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const b = aBooking();
        await store.insert(b);
        return toSell(store, b);
      }),
    );
    const [first] = sales;
    if (first === undefined) throw new Error('no sale');
    const rival = aBooking(aHold(first.booking.eventId));
    await store.insert(rival);
    const samePlaces = await toSell(store, rival);
    const overtaken = sales[7]?.booking.bookingId ?? '';
    await store.touch(overtaken, now);
    const results = await Promise.all([...sales, samePlaces].map((change) => store.commit(change)));
    expect(results[7]).toBe('stale');
    expect([results[0], results[12]].sort()).toEqual(['done', 'place-taken']);
    expect(results.filter((result) => result === 'done')).toHaveLength(11);
    for (const [i, { booking }] of [...sales, samePlaces].entries()) {
      const written = results[i] === 'done';
      expect(await store.tickets([booking.bookingId])).toHaveLength(written ? 2 : 0);
      expect(await ledger(booking.bookingId)).toHaveLength(written ? 1 : 0);
      expect((await store.find(booking.bookingId))?.saleWritten).toBe(written);
    }
  });

  it('writes what is not overtaken, however many are', async () => {
    const { store } = open();
    const bookings = Array.from({ length: 40 }, () => aBooking());
    await Promise.all(bookings.map(store.insert, store));
    const isOvertaken = (i: number): boolean => i % 3 === 1 || i === 39;
    const touched = bookings.filter((_, i) => isOvertaken(i));
    await Promise.all(touched.map(({ bookingId }) => store.touch(bookingId, now)));
    const changes = bookings.map((b) => pinned(b, b.holdDeadline, now));
    const unknown = pinned(aBooking(), now, now);
    const results = await Promise.all([...changes, unknown].map((c) => store.commit(c)));
    expect(results.pop()).toBe('stale');
    expect(results).toEqual(bookings.map((_, i) => (isOvertaken(i) ? 'stale' : 'done')));
    for (const [i, { bookingId }] of bookings.entries()) {
      const found = await store.find(bookingId);
      expect(found).toMatchObject({ version: 2, step: isOvertaken(i) ? 'pin' : 'authorise' });
    }
  });

  it('reads each one its own', async () => {
    const { store } = open();
    const bookings = Array.from({ length: 8 }, () => aBooking());
    await Promise.all(bookings.map(store.insert, store));
    const found = await Promise.all(bookings.map(({ bookingId }) => store.find(bookingId)));
    expect(found).toEqual(bookings);
    const active = await Promise.all(bookings.map((b) => store.findActive(b.reservationId)));
    expect(active).toEqual(bookings);
  });
}

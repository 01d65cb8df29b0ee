import { describe, expect, it } from '@jest/globals';
import { declined, openBooking, retried } from '#domain/booking-moves.ts';
import { makeScopedId } from '#domain/ids.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import {
  aHold,
  aWish,
  commit,
  now,
  type StoreUnderTest,
  ulid,
} from '#test/integration/adapters/booking-store.suite.ts';

/** Bookings remember the keys of their checkouts, in every store. */
export function bookingKeysSuite(open: () => StoreUnderTest): void {
  describe('keys of checkouts', () => remembered(open));
}

function remembered(open: () => StoreUnderTest): void {
  it('remembers each key of a buyer once, and finds its booking by it', async () => {
    const { store } = open();
    const asking = (hold: HoldView, key: string) => {
      const wish = { ...aWish(), key, asked: 'body' };
      const bookingId = makeScopedId('booking', hold.eventId, ulid());
      return openBooking(bookingId, hold, wish, undefined, now);
    };
    const hold = aHold();
    const { buyerId } = hold;
    const b = asking(hold, 'first');
    expect(await store.insert(b)).toBe('inserted');
    expect(await store.findByKey(buyerId, 'first')).toEqual(b);
    expect(await store.findByKey(b.eventId, 'first')).toBeUndefined();
    expect(await store.insert(asking({ ...aHold(), buyerId }, 'first'))).toBe('exists');
    expect(await store.insert(asking(aHold(), 'first'))).toBe('inserted');

    const other = asking({ ...aHold(), buyerId }, 'second');
    expect(await store.insert(other)).toBe('inserted');
    const resting = await commit(store, declined(other, now));
    const again = (key: string) => retried(resting, { ...aWish(), key, asked: 'body' }, now);
    expect(await store.commit(again('first'), resting)).toBe('stale');
    expect(await store.find(other.bookingId)).toEqual(resting);
    const next = again('third');
    expect(await store.commit(next, resting)).toBe('done');
    for (const key of ['second', 'third']) {
      expect(await store.findByKey(buyerId, key)).toEqual(next.booking);
    }
  });
}

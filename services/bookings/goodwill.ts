import type { Booking } from '#domain/booking.ts';
import { UsherError } from '#domain/errors.ts';
import { type GoodwillWish, goodwill } from '#domain/goodwill.ts';
import { type Given, givenBy } from '#domain/refund-parts.ts';
import type { Desk } from '#services/bookings/desk.ts';

const triesMax = 5;

/** Returns money of the booking that `find` answers; its flow asks the provider. */
export async function giveGoodwill(
  desk: Desk,
  find: () => Promise<Booking>,
  wish: GoodwillWish,
): Promise<{ readonly booking: Booking; readonly given: Given }> {
  for (let i = 0; i < triesMax; i++) {
    const b = await find();
    const before = givenBy(b, wish.key);
    if (before !== undefined) return { booking: b, given: before };
    const decision = goodwill(b, wish, desk.clock.now());
    if (decision.kind === 'refused') throw new UsherError('state-forbids', decision.why);
    const { change } = decision;
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.worker.run(change.booking);
    const given = givenBy(change.booking, wish.key);
    if (given === undefined) throw new Error('a goodwill refund without a return');
    return { booking: change.booking, given };
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

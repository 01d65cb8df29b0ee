import { type DisputeNews, disputed } from '#domain/dispute.ts';
import { UsherError } from '#domain/errors.ts';
import type { Desk } from '#services/bookings/desk.ts';

const triesMax = 5;

/** `bookings.disputed`: freezes, restores or voids the tickets; may be repeated. */
export async function noteDispute(
  desk: Desk,
  bookingId: string,
  news: DisputeNews,
): Promise<{ known: boolean }> {
  for (let i = 0; i < triesMax; i++) {
    const b = await desk.store.find(bookingId);
    if (b === undefined) return { known: false };
    const change = disputed(b, await desk.store.tickets([bookingId]), news, desk.clock.now());
    if (change === undefined) return { known: true };
    if (change === 'early') {
      throw new UsherError('request-in-progress', 'Its payment is not settled here yet', {
        retryAfterSeconds: 1,
      });
    }
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.relay.relay(change.messages);
    if (change.booking.step !== 'done') desk.worker.run(change.booking);
    return { known: true };
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

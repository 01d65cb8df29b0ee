import { type Booking, isLed } from '#domain/booking.ts';
import { cancel } from '#domain/cancellation.ts';
import { UsherError } from '#domain/errors.ts';
import { type Given, givenBy } from '#domain/refund-parts.ts';
import {
  type CancelWish,
  chosenTickets,
  type Withdrawal,
  withdrawalOf,
} from '#domain/withdrawal.ts';
import type { Desk } from '#services/bookings/desk.ts';

export type CancelAnswer = {
  readonly booking: Booking;
  /** Undefined: recorded, and done when the payment has settled. */
  readonly given: Given | undefined;
};

const triesMax = 5;

/**
 * Cancels the booking that `find` answers, or some of its tickets; seats and money are given back
 * by its flow. `wish.key` is the same for every run of a request.
 */
export async function cancelBooking(
  desk: Desk,
  find: () => Promise<Booking>,
  wish: CancelWish & { readonly key: string },
): Promise<CancelAnswer> {
  for (let i = 0; i < triesMax; i++) {
    const b = await withEvent(desk, await find());
    const { bookingId } = b;
    const before = givenBy(b, wish.key);
    if (before !== undefined) return { booking: b, given: before };
    const decision = cancel(b, await desk.store.tickets([bookingId]), wish, desk.clock.now());
    if (decision.kind === 'refused') throw new UsherError('not-cancellable', decision.why);
    const { change } = decision;
    if (change === undefined) return { booking: b, given: undefined };
    // A step of the flow was faster: decide again on what it made of the booking.
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.relay.relay(change.messages);
    if (decision.kind === 'requested') desk.worker.wake(bookingId);
    else desk.worker.run(change.booking);
    const given = decision.kind === 'done' ? givenBy(change.booking, wish.key) : undefined;
    return { booking: change.booking, given };
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

/** A booking that its buyer may cancel by itself; rejects with `not-cancellable {bundleId}`. */
export function separable(b: Booking): Booking {
  if (b.bundle === undefined || (b.bundle.divisible && !isLed(b))) return b;
  const { bundleId } = b.bundle;
  const why = `It is a part of ${bundleId}, which is cancelled as a whole`;
  throw new UsherError('not-cancellable', why, { bundleId });
}

export type CancellationPreview = Withdrawal & { readonly booking: Booking };
type PreviewDesk = Pick<Desk, 'store' | 'events' | 'clock'>;

/** What a cancellation by the buyer would come to now. Rejects with `not-cancellable`. */
export async function previewCancellation(
  desk: PreviewDesk,
  found: Booking,
  wish: CancelWish,
): Promise<CancellationPreview> {
  const b = await withEvent(desk, found);
  if (b.status !== 'confirmed' && b.status !== 'partially_refunded') {
    throw new UsherError('not-cancellable', `It is ${b.status}: it has no tickets to give back`);
  }
  const tickets = await desk.store.tickets([b.bookingId]);
  const chosen = chosenTickets(tickets, wish);
  if (typeof chosen === 'string') throw new UsherError('not-cancellable', chosen);
  return { booking: b, ...withdrawalOf(b, tickets, chosen, wish, desk.clock.now()) };
}

/** The catalogue did not answer at checkout: what it says now holds, if it answers. */
async function withEvent(desk: Pick<Desk, 'events'>, b: Booking): Promise<Booking> {
  return b.event === undefined ? { ...b, event: await desk.events.of(b.eventId) } : b;
}

import type { Booking, Return } from '#domain/booking.ts';
import { actedBy } from '#domain/box-office.ts';
import { cancel } from '#domain/cancellation.ts';
import { UsherError } from '#domain/errors.ts';
import { givenBy } from '#domain/refund-parts.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';

export type CancelRequest = {
  readonly bookingId: string;
  readonly buyerId: string;
  readonly ticketIds: readonly string[] | undefined;
  /** The staff member who does it for the buyer. */
  readonly by?: string | undefined;
  /** The same for every run of this request. */
  readonly key: string;
};

export type CancelAnswer = {
  readonly booking: Booking;
  /** Undefined: recorded, and done when the payment has settled. */
  readonly given: Pick<Return, 'amount' | 'refund'> | undefined;
};

const triesMax = 5;

/** Cancels a booking, or some of its tickets; seats and money are given back by its flow. */
export async function cancelBooking(desk: Desk, request: CancelRequest): Promise<CancelAnswer> {
  const { bookingId, buyerId, ticketIds, key } = request;
  for (let i = 0; i < triesMax; i++) {
    const b = await ownBooking(desk, bookingId, buyerId);
    const before = givenBy(b, key);
    if (before !== undefined) return { booking: b, given: before };
    const tickets = await desk.store.tickets([bookingId]);
    const decision = cancel(b, tickets, { ticketIds, key }, desk.clock.now());
    if (decision.kind === 'refused') throw new UsherError('not-cancellable', decision.why);
    const { by } = request;
    const change =
      by === undefined ? decision.change : decision.change && actedBy(decision.change, by);
    if (change === undefined) return { booking: b, given: undefined };
    // A step of the flow was faster: decide again on what it made of the booking.
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.relay.relay(change.messages.map((message) => message.key));
    if (decision.kind === 'requested') desk.worker.wake(bookingId);
    else desk.worker.run(change.booking);
    const given = decision.kind === 'done' ? givenBy(change.booking, key) : undefined;
    return { booking: change.booking, given };
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

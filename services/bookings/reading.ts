import type { ListPosition } from '#adapters/store/bookings.port.ts';
import { decodeCursor, encodeCursor } from '#adapters/store/cursor.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { type BookingStatus, isInProgress } from '#domain/booking.ts';
import { invalid } from '#domain/checkout.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';
import { viewOf } from '#services/bookings/view.ts';

/** A look beside the announcement of a change, should that be lost. */
const lookEveryMs = 2_000;

export type ReadRequest = {
  readonly bookingId: string;
  readonly buyerId: string;
  readonly waitMs: number;
  /** The status that the caller knows. */
  readonly from: BookingStatus | undefined;
};

const isWorthWaiting = (status: BookingStatus, from: BookingStatus | undefined): boolean =>
  from === undefined ? isInProgress(status) : status === from;

/** A booking, held back at most `waitMs` while it is what the caller knows or is worked on. */
export async function readBooking(desk: Desk, request: ReadRequest): Promise<BookingView> {
  const { bookingId, buyerId, waitMs, from } = request;
  const until = desk.clock.monotonic() + waitMs;
  for (;;) {
    const left = Math.ceil(until - desk.clock.monotonic());
    // Listening begins before the look: a change between the two is not missed.
    const isNews = (status: BookingStatus): boolean => !isWorthWaiting(status, from);
    const listening =
      left > 0 ? desk.waiters.listen(bookingId, Math.min(left, lookEveryMs), isNews) : undefined;
    try {
      const b = await ownBooking(desk, bookingId, buyerId);
      if (listening === undefined || !isWorthWaiting(b.status, from)) {
        return viewOf(b, await desk.store.tickets([bookingId]));
      }
      await listening.done;
    } finally {
      listening?.stop();
    }
  }
}

/** A page of the buyer's bookings, newest first. */
export async function listBookings(
  desk: Desk,
  buyerId: string,
  limit: number,
  cursor: string | undefined,
) {
  const found = await desk.store.list(buyerId, positionOf(cursor), limit + 1);
  const shown = found.slice(0, limit);
  const tickets = await desk.store.tickets(shown.map((b) => b.bookingId));
  const last = found.length > limit ? shown.at(-1) : undefined;
  return {
    items: shown.map((b) =>
      viewOf(
        b,
        tickets.filter((t) => t.bookingId === b.bookingId),
      ),
    ),
    nextCursor: last === undefined ? null : encodeCursor([last.createdAt, last.bookingId]),
  };
}

function positionOf(cursor: string | undefined): ListPosition | undefined {
  if (cursor === undefined) return undefined;
  const [createdAt, bookingId] = decodeCursor(cursor, 2);
  if (typeof createdAt !== 'number' || typeof bookingId !== 'string') {
    throw invalid('cursor', 'must be the nextCursor of an earlier answer');
  }
  return { createdAt, bookingId };
}

import type { z } from 'zod';
import type { ListPosition } from '#adapters/store/bookings.port.ts';
import { decodeCursor, encodeCursor } from '#adapters/store/cursor.ts';
import type { UsherContext } from '#broker/call.ts';
import type { BookingView, bookingsContract } from '#contracts/bookings.contract.ts';
import { type BookingStatus, isInProgress } from '#domain/booking.ts';
import { invalid } from '#domain/checkout.ts';
import { callerOf } from '#mixins/caller.ts';
import { type Desk, ownBooking } from '#services/bookings/desk.ts';
import { viewOf } from '#services/bookings/view.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** A buyer's own bookings, as they are now or when they have changed. */
export const readingActions = (desk: () => Desk) => ({
  get: (ctx: Ctx<'get'>): Promise<BookingView> => {
    const { bookingId, wait, from } = ctx.params;
    const { userId: buyerId } = callerOf(ctx);
    return readBooking(desk(), { bookingId, buyerId, waitMs: wait * 1_000, from });
  },

  list: (ctx: Ctx<'list'>) =>
    listBookings(desk(), callerOf(ctx).userId, ctx.params.limit, ctx.params.cursor),
});

/** A look beside the announcement of a change, should that be lost. */
const lookEveryMs = 2_000;

type ReadRequest = {
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
async function listBookings(
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

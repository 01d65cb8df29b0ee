import type { z } from 'zod';
import type { BookingStore, ListPosition } from '#adapters/store/bookings.port.ts';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import type { UsherContext } from '#broker/call.ts';
import type { BookingView, bookingsContract } from '#contracts/bookings.contract.ts';
import { type BookingStatus, isInProgress } from '#domain/booking.ts';
import { invalid } from '#domain/checkout.ts';
import type { BookingWorker } from '#flows/booking.worker.ts';
import type { BookingNews } from '#mixins/booking-flow.mixin.ts';
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

  validTickets: async ({ params }: Ctx<'validTickets'>) => ({
    tickets: await validTickets(desk(), params.bookings),
  }),

  list: (ctx: Ctx<'list'>) =>
    listBookings(desk(), callerOf(ctx).userId, ctx.params.limit, ctx.params.cursor),
});

type Owned = Ctx<'validTickets'>['params']['bookings'];

/** The valid tickets of these bookings, without those of a booking that is somebody else's. */
async function validTickets({ store }: Pick<ReadDesk, 'store'>, bookings: Owned) {
  const tickets = await store.tickets([...new Set(bookings.map(({ bookingId }) => bookingId))]);
  const asked = new Set(bookings.map(ownership));
  return tickets
    .filter((ticket) => ticket.status === 'valid' && asked.has(ownership(ticket)))
    .map(({ bookingId, buyerId, ticketId, seat }) => ({ bookingId, buyerId, ticketId, seat }));
}

const ownership = ({ bookingId, buyerId }: Owned[number]): string => `${bookingId} ${buyerId}`;

/** A look beside the announcement of a change, should that be lost. */
const lookEveryMs = 2_000;

export type ReadDesk = Pick<Desk, 'waiters' | 'clock'> & {
  readonly store: Pick<BookingStore, 'find' | 'tickets'>;
  readonly worker: Pick<BookingWorker, 'goesOn'>;
};

type ReadRequest = {
  readonly bookingId: string;
  readonly buyerId: string;
  readonly waitMs: number;
  /** The status that the caller knows. */
  readonly from: BookingStatus | undefined;
};

const isWorthWaiting = (status: BookingStatus, from: BookingStatus | undefined): boolean =>
  from === undefined ? isInProgress(status) : status === from;

/**
 * A booking, held back at most `waitMs` while it is what the caller knows or is worked on. What a
 * flow of this node does is known without a look: where it stands, and what its next write brings.
 */
export async function readBooking(desk: ReadDesk, request: ReadRequest): Promise<BookingView> {
  const { bookingId, buyerId, waitMs, from } = request;
  const { store, waiters, worker, clock } = desk;
  const until = clock.monotonic() + waitMs;
  const isNews = (status: BookingStatus): boolean => !isWorthWaiting(status, from);
  for (let looks = 0; ; looks++) {
    const left = Math.ceil(until - clock.monotonic());
    // Listening begins before the look: a change between the two is not missed.
    const listening =
      left > 0 ? waiters.listen(bookingId, Math.min(left, lookEveryMs), isNews) : undefined;
    const here = looks === 0 ? worker.goesOn(bookingId) : undefined;
    try {
      if (listening === undefined || here?.buyerId !== buyerId || isNews(here.status)) {
        const b = await ownBooking(desk, bookingId, buyerId);
        if (listening === undefined || isNews(b.status)) {
          return viewOf(b, await store.tickets([bookingId]));
        }
      }
      const news = await listening.done;
      if (news !== undefined) return await viewOfNews(desk, news);
    } finally {
      listening?.stop();
    }
  }
}

async function viewOfNews({ store }: ReadDesk, { booking, tickets }: BookingNews) {
  const all = tickets ?? (await store.tickets([booking.bookingId]));
  return viewOf(
    booking,
    all.toSorted((a, b) => a.place - b.place),
  );
}

/** A page of the buyer's bookings, newest first. */
async function listBookings(
  desk: Desk,
  buyerId: string,
  limit: number,
  cursor: string | undefined,
) {
  const found = await desk.store.list(buyerId, positionOf(cursor), limit + 1);
  const { items, nextCursor } = pageOf(found, limit, (b) => [b.createdAt, b.bookingId]);
  const tickets = await desk.store.tickets(items.map((b) => b.bookingId));
  const ofBooking = Map.groupBy(tickets, (t) => t.bookingId);
  return { items: items.map((b) => viewOf(b, ofBooking.get(b.bookingId) ?? [])), nextCursor };
}

function positionOf(cursor: string | undefined): ListPosition | undefined {
  if (cursor === undefined) return undefined;
  const [createdAt, bookingId] = decodeCursor(cursor, 2);
  if (typeof createdAt !== 'number' || typeof bookingId !== 'string') {
    throw invalid('cursor', 'must be the nextCursor of an earlier answer');
  }
  return { createdAt, bookingId };
}

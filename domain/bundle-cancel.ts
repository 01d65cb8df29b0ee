import { type Booking, moved } from '#domain/booking.ts';
import { type Change, change } from '#domain/booking-moves.ts';
import { type Bundle, bundleMoved } from '#domain/bundle.ts';
import { type BundleChange, bundleChange, withOrder } from '#domain/bundle-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import type { Ticket } from '#domain/ticket.ts';
import type { CancelWish } from '#domain/withdrawal.ts';

/** Of a whole bundle. `key` names the request: what it did before it answers again. */
export type WholeWish = Pick<CancelWish, 'order'> & { readonly key: string };

/** What a wish to cancel a whole bundle comes to. */
export type BundleCancellation =
  /** Recorded; the flow does it as soon as the payment is settled. */
  | { readonly kind: 'requested'; readonly change: BundleChange | undefined }
  | { readonly kind: 'done'; readonly change: BundleChange | undefined; readonly amount: number }
  | { readonly kind: 'refused'; readonly why: string; readonly eventId?: string };

const isOver = ({ status }: Booking): boolean =>
  status === 'expired' || status === 'cancelled' || status === 'refunded';

/**
 * Decides it: all bookings that still have tickets, each by its own refund rules and all with one
 * change, or none of them.
 */
export function cancelWhole(
  b: Bundle,
  bookings: readonly Booking[],
  tickets: readonly Ticket[],
  wish: WholeWish,
  now: number,
): BundleCancellation {
  const { key } = wish;
  const before = b.cancels.find((one) => one.key === key);
  if (before !== undefined) return { kind: 'done', change: undefined, amount: before.amount };
  const { order } = b;
  if (order === undefined) return { kind: 'refused', why: 'It was not ordered: release it' };
  if (isOver(order)) return { kind: 'refused', why: `It is ${order.status}` };
  if (order.status !== 'confirmed') return wished(b, order, wish, now);
  const members: Change[] = [];
  let amount = 0;
  for (const booking of bookings.filter((one) => !isOver(one))) {
    const own = tickets.filter(({ bookingId }) => bookingId === booking.bookingId);
    const decision = cancel(booking, own, wish, now);
    if (decision.kind !== 'done') {
      const why = decision.kind === 'refused' ? decision.why : 'Its payment is being settled';
      return { kind: 'refused', why, eventId: booking.eventId };
    }
    // The bookings' own flow goes on at once.
    const next = { ...decision.change.booking, dueAt: now };
    members.push({ ...decision.change, booking: next });
    amount += decision.amount;
  }
  if (members.length === 0) return { kind: 'refused', why: 'All of it is cancelled' };
  const cancels = [...b.cancels, { key, amount }];
  const change = bundleChange(b, bundleMoved(b, { cancels }, now), { members });
  return { kind: 'done', change, amount };
}

/**
 * While a payment runs the wish is recorded; the flow grants it as soon as it has settled. An order
 * stands above the buyer's own wish.
 */
function wished(b: Bundle, order: Booking, wish: WholeWish, now: number): BundleCancellation {
  const ordered = wish.order === undefined || order.cancelAs?.order !== undefined;
  if (order.cancelRequested && ordered) return { kind: 'requested', change: undefined };
  const cancelAs = { order: wish.order, at: now };
  const note = { cancelRequested: true, cancelAs, tries: order.tries };
  const next = moved(order, { ...note, dueAt: now }, now);
  return { kind: 'requested', change: withOrder(b, change(order, next), now) };
}

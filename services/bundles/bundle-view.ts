import type { z } from 'zod';
import type { BundleView, bundleStatus } from '#contracts/bundles.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import { money } from '#domain/money.ts';
import { paymentOf } from '#services/bookings/view.ts';

type Status = z.infer<typeof bundleStatus>;

const iso = (at: number): string => new Date(at).toISOString();

/** Sold, it is what has become of its bookings since. */
function statusOf({ step, reason, order }: Bundle, bookings: readonly Booking[]): Status {
  if (order === undefined) {
    if (step === 'hold') return 'holding';
    if (step === 'held') return 'held';
    return reason === 'reservation-expired' ? 'expired' : 'released';
  }
  if (order.status !== 'confirmed') return order.status;
  const own = new Set(bookings.map(({ status }) => status));
  const [only] = own;
  if (own.size === 1 && only !== undefined) return only;
  const over = [...own].every((status) => status === 'cancelled' || status === 'refunded');
  return over ? 'cancelled' : 'partially_refunded';
}

/** A bundle as its buyer sees it, with its bookings in the order of the events' ids. */
export function bundleViewOf(b: Bundle, bookings: readonly Booking[]): BundleView {
  const { order } = b;
  const currency = b.members[0]?.held?.quote.currency ?? 'XXX';
  const held = b.members.map((member) => member.held);
  const sum = (part: (one: NonNullable<(typeof held)[number]>) => number): number =>
    held.reduce((all, one) => all + (one === undefined ? 0 : part(one)), 0);
  const [separately, total] = [sum((one) => one.separately), sum((one) => one.quote.total)];
  const reason = order?.reason ?? b.reason;
  const byId = new Map(bookings.map((booking) => [booking.bookingId, booking]));
  return {
    bundleId: b.bundleId,
    packageId: b.packageId,
    name: b.name,
    status: statusOf(b, bookings),
    ...(reason === undefined ? {} : { reason }),
    quantity: b.quantity,
    events: b.members.map((member) => {
      const booking = byId.get(member.bookingId);
      return {
        eventId: member.eventId,
        reservationId: member.reservationId,
        seats: [...(booking?.seats ?? member.held?.seats ?? [])],
        separately: money(member.held?.separately ?? 0, currency),
        total: money(member.held?.quote.total ?? 0, currency),
        ...(booking === undefined
          ? {}
          : { booking: { bookingId: booking.bookingId, status: booking.status } }),
      };
    }),
    price: {
      separately: money(separately, currency),
      discount: money(separately - total, currency),
      total: money(total, currency),
    },
    ...(order === undefined ? {} : { payment: paymentOf(order) }),
    expiresAt: iso(order?.holdDeadline ?? b.deadline),
    createdAt: iso(b.createdAt),
    updatedAt: iso(b.updatedAt),
  };
}

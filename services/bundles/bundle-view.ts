import type { z } from 'zod';
import type { BundleView, bundleStatus } from '#contracts/bundles.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import type { Bundle, HeldPart } from '#domain/bundle.ts';
import { money } from '#domain/money.ts';
import { paymentOf, voucherOf } from '#services/bookings/view.ts';

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

/** What a bundle costs by these terms, or as it is held. */
export function priceOf(
  { members }: Bundle,
  terms: BookingTerms | undefined,
  currency: string,
): BundleView['price'] {
  const sum = (part: (one: HeldPart) => number): number =>
    members.reduce((all, { held }) => all + (held === undefined ? 0 : part(held)), 0);
  const [separately, ofPackage] = [sum((one) => one.separately), sum((one) => one.quote.total)];
  const total = terms?.quote.total ?? ofPackage;
  const code = terms?.bill?.promo?.code;
  return {
    separately: money(separately, currency),
    discount: money(separately - ofPackage, currency),
    ...(code === undefined ? {} : { promo: { code, amount: money(ofPackage - total, currency) } }),
    total: money(total, currency),
  };
}

/** A bundle as its buyer sees it, with its bookings in the order of the events' ids. */
export function bundleViewOf(b: Bundle, bookings: readonly Booking[]): BundleView {
  const { order } = b;
  const byId = new Map(bookings.map((booking) => [booking.bookingId, booking]));
  const currency = b.members[0]?.held?.quote.currency ?? 'XXX';
  const reason = order?.reason ?? b.reason;
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
        total: money((booking ?? member.held)?.quote.total ?? 0, currency),
        ...(booking === undefined
          ? {}
          : { booking: { bookingId: booking.bookingId, status: booking.status } }),
      };
    }),
    price: priceOf(b, order, currency),
    ...voucherOf(order, currency),
    ...(order === undefined ? {} : { payment: paymentOf(order) }),
    expiresAt: iso(order?.holdDeadline ?? b.deadline),
    createdAt: iso(b.createdAt),
    updatedAt: iso(b.updatedAt),
  };
}

import type { Booking } from '#domain/booking.ts';
import type { CheckoutWish } from '#domain/booking-moves.ts';
import type { Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import type { HoldView } from '#domain/inventory/commands.ts';

/**
 * `same`: this very request was taken before, its first answer holds. `another`: the last attempt
 * was declined, `retried` begins the next.
 */
export type CheckoutDecision = 'same' | 'another';

/**
 * Decides a checkout for a reservation that has an active booking. Throws `idempotency-key-reused`,
 * `checkout-in-progress` or `already-booked`.
 */
export function decideCheckout(
  b: Booking,
  { key, asked }: Pick<CheckoutWish, 'key' | 'asked'>,
): CheckoutDecision {
  const before = b.attempts.find((attempt) => attempt.key === key);
  if (before?.asked !== undefined && before.asked !== asked) {
    throw new UsherError('idempotency-key-reused');
  }
  if (before !== undefined) return 'same';
  const data = { bookingId: b.bookingId };
  switch (b.status) {
    case 'declined':
      return 'another';
    case 'pending':
    case 'requires_action':
    case 'selling':
      throw new UsherError('checkout-in-progress', undefined, { ...data, retryAfterSeconds: 1 });
    default:
      throw new UsherError('already-booked', undefined, data);
  }
}

/**
 * Holds a wish to the hold it is about and to what is left for a card (`due`, minor units). Throws
 * `invalid-request` with what is missing: a payment for what costs something, at most one attendee
 * a seat.
 */
export function assertWish(hold: HoldView, wish: CheckoutWish, due = hold.quote.total): void {
  if (due > 0 && wish.token === undefined && !wish.byBrowser) {
    throw invalid('payment', 'is required: the reservation costs something');
  }
  if (wish.attendees.length > hold.seats.length) {
    throw invalid('attendees', `at most one for each of the ${hold.seats.length} seats`);
  }
}

/**
 * Throws `already-booked` for a hold that has been sold; except to `bookingId`: a worker that
 * stalled sold it for an attempt that was closed meanwhile, and the next attempt pays for the sale.
 */
export function assertHeld(hold: HoldView, bookingId?: string): void {
  if (hold.status !== 'sold') return;
  if (bookingId === undefined || hold.bookingId !== bookingId) {
    throw new UsherError('already-booked');
  }
}

/**
 * A booking's price is made with its first checkout: another attempt may leave the codes away or
 * bring the same. Throws `invalid-request` for others; `offered` is what the wish's codes stand for.
 */
export function assertSameOffers({ bill }: Booking, wish: CheckoutWish, offered: Offers): void {
  const fixed = 'is fixed by the first checkout of this booking: leave it away';
  if (wish.promoCode !== undefined && offered.promo?.rule.promoId !== bill?.promo?.promoId) {
    throw invalid('promoCode', fixed);
  }
  if (wish.voucher !== undefined && offered.voucher?.voucherId !== bill?.voucher?.voucherId) {
    throw invalid('voucher', fixed);
  }
}

/** `invalid-request` about one field. */
export const invalid = (path: string, message: string): UsherError =>
  new UsherError('invalid-request', `${path}: ${message}`, { errors: [{ path, message }] });

import type { Db } from 'mongodb';
import type { PaymentDoc } from '#adapters/payments/store.ts';
import { type BookingDocument, collections } from '#adapters/store/booking-documents.ts';
import { type BundleDocument, bundlesCollection } from '#adapters/store/bundles.ts';
import { isBundleId } from '#domain/ids.ts';

type Paid = Pick<BookingDocument, '_id' | 'eventId' | 'attempts' | 'bundle'>;

const givenUp: readonly string[] = ['failed', 'canceled'];

/** The part of a bundle's payment that is this booking's, as if it had been paid by itself. */
function partOf(payment: PaymentDoc, booking: Paid): PaymentDoc {
  const own = booking.attempts.find(({ intentId }) => intentId === payment.intentId);
  const amount = own?.amount ?? 0;
  const refunds = payment.refunds.filter((r) => r.refundKey.startsWith(`${booking._id}:`));
  return {
    ...payment,
    _id: `${booking._id}:${own?.no ?? 1}`,
    bookingId: booking._id,
    eventId: booking.eventId,
    amount,
    captured: payment.captured > 0 ? amount : 0,
    refunds,
    refunded: refunds
      .filter(({ status }) => !givenUp.includes(status))
      .reduce((sum, r) => sum + r.amount, 0),
  };
}

/** What these bookings, as far as they belong to bundles, have been paid with. */
export async function bundledPayments(
  db: Db,
  bookings: readonly Paid[],
): Promise<readonly PaymentDoc[]> {
  const parts = bookings.filter(({ bundle }) => bundle !== undefined);
  const intentIds = parts.flatMap((b) => b.attempts.flatMap(({ intentId }) => intentId ?? []));
  if (intentIds.length === 0) return [];
  const found = await db
    .collection<PaymentDoc>('payments')
    .find({ intentId: { $in: intentIds } })
    .toArray();
  const byIntent = new Map(found.map((payment) => [payment.intentId, payment]));
  return parts.flatMap((b) =>
    b.attempts.flatMap(({ intentId = '' }) => {
      const payment = byIntent.get(intentId);
      return payment === undefined ? [] : [partOf(payment, b)];
    }),
  );
}

/**
 * The orders of those of the ids that are bundles': what the books have of their payments. What
 * vouchers pay is in the books of their bookings.
 */
export async function ordersOf(db: Db, ids: readonly string[]) {
  const bundleIds = ids.filter(isBundleId);
  if (bundleIds.length === 0) return [];
  const found = await db
    .collection<BundleDocument>(bundlesCollection)
    .find({ _id: { $in: bundleIds } })
    .toArray();
  return found.flatMap(({ _id, order }) =>
    order === undefined ? [] : [{ ...order, bill: undefined, _id }],
  );
}

/** Intent → what the bookings of these bundles have of it. */
export async function bookedByParts(db: Db, ids: readonly string[]) {
  const sums = new Map<string, number>();
  const bundleIds = ids.filter(isBundleId);
  if (bundleIds.length === 0) return sums;
  const parts = db
    .collection<BookingDocument>(collections.bookings)
    .find({ refs: { $in: bundleIds } });
  for await (const { attempts } of parts) {
    for (const { intentId = '', state, amount = 0 } of attempts) {
      if (state === 'captured') sums.set(intentId, (sums.get(intentId) ?? 0) + amount);
    }
  }
  return sums;
}

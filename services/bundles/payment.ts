import { bundleRecord } from '#domain/bundle-record.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';

/** What the books say of a bundle's intent; `bundle: null` when no bundle has it. */
export async function bundleOfPayment({ ports }: BundleDesk, intentId: string) {
  const b = await ports.bundles.findByIntent(intentId);
  if (b?.order === undefined) return { bundle: null };
  const bookings = await ports.bundles.bookings(b.bundleId);
  const tickets = await ports.store.tickets(bookings.map(({ bookingId }) => bookingId));
  const { eventId, status, quote } = b.order;
  return {
    bundle: {
      bookingId: b.bundleId,
      eventId,
      version: b.version,
      status,
      currency: quote.currency,
      ...bundleRecord(b.order, bookings, tickets, intentId),
    },
  };
}

import { bundleRecord } from '#domain/bundle-record.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';

type Asked = { readonly intentId: string; readonly bundleId?: string | undefined };

/**
 * What the books say of a bundle's intent; `bundle: null` when no bundle has it. An intent whose
 * creation was not answered may be in no attempt: it belongs to the bundle that it names.
 */
export async function bundleOfPayment({ ports }: BundleDesk, { intentId, bundleId }: Asked) {
  const { bundles } = ports;
  const named = bundleId === undefined ? undefined : await bundles.find(bundleId);
  const b = (await bundles.findByIntent(intentId)) ?? named;
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

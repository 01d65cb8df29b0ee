import type { ServiceBroker } from 'moleculer';
import type { z } from 'zod';
import type { DisputeDoc, DisputeStore } from '#adapters/payments/disputes.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import type { PaymentStore } from '#adapters/payments/store.ts';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { call } from '#broker/call.ts';
import type { paymentSupportActions } from '#contracts/payment-support.ts';
import { isBundleId } from '#domain/ids.ts';

type Listing = (typeof paymentSupportActions)['disputes'];

type Sources = {
  readonly broker: ServiceBroker;
  readonly provider: PaymentProvider;
  readonly store: PaymentStore;
  readonly disputes: DisputeStore;
};

/**
 * Brings news of a dispute to its booking, whatever the webhook said: the dispute is read from the
 * provider. The booking is told before our own record says so; killed in between, it is told
 * again. Answers what was done, for the inbox.
 */
export async function followDispute(sources: Sources, disputeId: string): Promise<string> {
  const { broker, provider, disputes } = sources;
  const [dispute, known] = await Promise.all([
    provider.dispute(disputeId),
    disputes.find(disputeId),
  ]);
  if (known?.status === dispute.status) return 'known';
  const bookingId = await bookingOf(sources, dispute.intentId);
  const { state, amount } = dispute;
  // While the bank only asks, the tickets stay as they are.
  const tell = bookingId !== undefined && state !== 'inquiry';
  if (tell) {
    const taken = state === 'lost' ? { amount: amount.amount } : {};
    const news = { disputeId, state, ...taken };
    if (isBundleId(bookingId))
      await call(broker, 'bundles.disputed', { bundleId: bookingId, ...news });
    else await call(broker, 'bookings.disputed', { bookingId, ...news });
  }
  await disputes.seen(dispute, bookingId);
  if (bookingId === undefined) return 'not ours';
  return tell ? 'told' : 'noted';
}

async function bookingOf({ store, provider }: Sources, intentId: string | undefined) {
  if (intentId === undefined) return undefined;
  const [payment] = await store.ofIntents([intentId]);
  return payment?.bookingId ?? (await provider.retrieve(intentId)).bookingId;
}

/** Support's page of disputes. */
export async function listDisputes(
  disputes: DisputeStore,
  { state, bookingId, limit, cursor }: z.output<Listing['params']>,
): Promise<z.output<Listing['result']>> {
  const found = await disputes.list({ state, bookingId, after: afterOf(cursor) }, limit + 1);
  const { items, nextCursor } = pageOf(found, limit, ({ openedAt, _id }) => [openedAt, _id]);
  return { items: items.map(viewOf), nextCursor };
}

function afterOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [openedAt, disputeId] = decodeCursor(cursor, 2);
  return { openedAt: Number(openedAt), disputeId: String(disputeId) };
}

const viewOf = ({ _id, amount, currency, openedAt, changedAt, ...doc }: DisputeDoc) => ({
  disputeId: _id,
  bookingId: doc.bookingId,
  intentId: doc.intentId,
  amount: { amount, currency },
  reason: doc.reason,
  state: doc.state,
  status: doc.status,
  openedAt: new Date(openedAt).toISOString(),
  changedAt: new Date(changedAt).toISOString(),
});

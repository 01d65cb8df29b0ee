import type { z } from 'zod';
import type { ProviderIntent } from '#adapters/payments/port.ts';
import type { IntentView, paymentsContract } from '#contracts/payments.contract.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';
import { customerOf } from '#services/payments/wallet.ts';

type Order = z.output<(typeof paymentsContract)['actions']['create']['params']>;

/** The intent of an attempt: the one there is, or a new one, noted before it is told. */
export async function openIntent(desk: PaymentDesk, order: Order): Promise<IntentView> {
  const { provider, store } = desk;
  const known = await store.ofAttempt(order.bookingId, order.attempt);
  if (known !== undefined) {
    const intent = await provider.retrieve(known.intentId);
    await store.seen(intent);
    return viewOf(intent);
  }
  const ofCustomer = order.save || order.saved;
  const customerId = ofCustomer ? await customerOf(desk, order.buyerId) : undefined;
  const intent = await provider.createIntent({ ...order, customerId });
  await store.opened(order, intent);
  return viewOf(intent);
}

/** An intent as the other services see it. */
export function viewOf(intent: ProviderIntent): IntentView {
  const { intentId, status, amount, amountRefunded } = intent;
  const { clientSecret, nextActionUrl, declineCode, paymentMethod } = intent;
  return {
    intentId,
    status,
    amount,
    amountRefunded,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(nextActionUrl !== undefined && { nextActionUrl }),
    ...(declineCode !== undefined && { declineCode }),
    ...(paymentMethod !== undefined && { paymentMethod }),
  };
}

/** Ours by our own record, and those that the provider's search, which lags behind, adds to it. */
export async function intentsOf({ provider, store }: PaymentDesk, bookingId: string) {
  const known = (await store.ofBooking(bookingId)).map(({ intentId }) => intentId);
  const found = await provider.search(bookingId);
  const missing = known.filter((id) => found.every(({ intentId }) => intentId !== id));
  const others = await Promise.all(missing.map((id) => provider.retrieve(id)));
  return [...found, ...others].map(viewOf);
}

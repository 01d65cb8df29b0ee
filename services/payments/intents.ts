import type { ProviderIntent } from '#adapters/payments/port.ts';
import type { Authorisation, IntentOrder, IntentView } from '#contracts/payments.contract.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';
import { customerOf } from '#services/payments/wallet.ts';

/** The intent of an attempt: the one there is, or a new one, noted before it is told. */
export async function openIntent(desk: PaymentDesk, order: IntentOrder): Promise<IntentView> {
  const known = await knownIntent(desk, order);
  if (known !== undefined) return viewOf(known);
  const intent = await desk.provider.createIntent(await withCustomer(desk, order));
  await desk.store.opened(order, intent);
  return viewOf(intent);
}

/**
 * The intent of an attempt that is confirmed by us, made and confirmed by one request. Its key
 * alone sees to it that there is only one: a checkout is over long before the provider forgets
 * keys. It is noted behind the answer: a booking goes by the provider's word.
 */
export async function authoriseIntent(
  desk: PaymentDesk,
  order: Authorisation,
  returnUrl: string,
): Promise<IntentView> {
  const asked = await withCustomer(desk, order);
  const intent = await desk.provider.authorise({ ...asked, returnUrl });
  desk.notes.begin(async () => {
    // One that was noted before may have moved on since.
    if (!(await desk.store.opened(order, intent))) await desk.store.seen(intent);
  });
  return viewOf(intent);
}

/** Takes the money; what it has come to is noted behind the answer. */
export async function captureIntent(
  { provider, store, notes }: PaymentDesk,
  intentId: string,
): Promise<IntentView> {
  const intent = await provider.capture(intentId);
  notes.begin(() => store.captured(intent));
  return viewOf(intent);
}

/** What an attempt that nobody goes on with has come to: its intent, or that there will be none. */
export async function withdrawIntent(
  desk: PaymentDesk,
  order: Authorisation,
  returnUrl: string,
): Promise<{ intent?: IntentView }> {
  const known = await knownIntent(desk, order);
  if (known !== undefined) return { intent: viewOf(known) };
  const asked = await withCustomer(desk, order);
  const intent = await desk.provider.withdraw({ ...asked, returnUrl });
  if (intent === undefined) return {};
  await desk.store.opened(order, intent);
  return { intent: viewOf(intent) };
}

/** The intent that is noted for an attempt, as it is now. */
async function knownIntent({ provider, store }: PaymentDesk, { bookingId, attempt }: IntentOrder) {
  const noted = await store.ofAttempt(bookingId, attempt);
  if (noted === undefined) return undefined;
  const intent = await provider.retrieve(noted.intentId);
  await store.seen(intent);
  return intent;
}

async function withCustomer<T extends IntentOrder>(desk: PaymentDesk, order: T) {
  const ofCustomer = order.save || order.saved;
  return { ...order, customerId: ofCustomer ? await customerOf(desk, order.buyerId) : undefined };
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

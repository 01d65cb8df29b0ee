import type Stripe from 'stripe';
import type { Authorisation, NewIntent, ProviderIntent } from '#adapters/payments/port.ts';
import {
  declinedBy,
  isCardError,
  isKeyTaken,
  isRefused,
} from '#adapters/payments/stripe-errors.ts';
import {
  expand,
  isOutdated,
  isReplayed,
  type Keyed,
  type StripeLine,
} from '#adapters/payments/stripe-line.ts';
import { viewIntent } from '#adapters/payments/stripe-view.ts';
import { UsherError } from '#domain/errors.ts';
import { toProviderAmount } from '#domain/payment.ts';

type Params = Stripe.PaymentIntentCreateParams;
type Intent = Stripe.PaymentIntent;

/** What the intent of an attempt is made with; the same for each request of the attempt. */
const paramsOf = (order: NewIntent): Params => ({
  amount: toProviderAmount(order.amount),
  currency: order.amount.currency.toLowerCase(),
  capture_method: 'manual',
  ...(order.byBrowser
    ? { automatic_payment_methods: { enabled: true } }
    : { allowed_payment_method_types: ['card'] }),
  ...(order.customerId !== undefined && { customer: order.customerId }),
  ...(order.save && { setup_future_usage: 'off_session' }),
  metadata: {
    bookingId: order.bookingId,
    eventId: order.eventId,
    attempt: String(order.attempt),
    buyerId: order.buyerId,
  },
});

/** An intent that nobody has confirmed yet. */
export async function createIntent(line: StripeLine, order: NewIntent): Promise<ProviderIntent> {
  const { bookingId, attempt } = order;
  const intent = await line.keyed(`usher:${bookingId}:${attempt}:create`, (keyed) =>
    line.stripe.paymentIntents.create(paramsOf(order), keyed),
  );
  return viewIntent(intent);
}

const keyOf = ({ bookingId, attempt }: Authorisation): string =>
  `usher:${bookingId}:${attempt}:authorise`;

/** Created and confirmed by one request. */
export async function authorise(line: StripeLine, order: Authorisation): Promise<ProviderIntent> {
  return line.keyed(keyOf(order), (keyed, again) => confirmedUnder(line, order, keyed, again));
}

/**
 * Uses the key of `authorise` for another request, which makes an intent and does not confirm it:
 * then the provider refuses `authorise`. Where the key is taken `authorise` was there before, and
 * asked again it answers what it made.
 */
export async function withdraw(
  line: StripeLine,
  order: Authorisation,
): Promise<ProviderIntent | undefined> {
  return line.keyed(keyOf(order), async (keyed) => {
    try {
      const made = await line.stripe.paymentIntents.create(paramsOf(order), keyed);
      return viewIntent(isReplayed(made) ? await asItIs(line, made.id) : made);
    } catch (error) {
      if (!isKeyTaken(error)) throw error;
    }
    try {
      return await confirmedUnder(line, order, keyed, false);
    } catch (error) {
      // Asked with parameters of another version or configuration: only the search can tell.
      if (isKeyTaken(error)) return searched(line, order);
      if (isRefused(error)) return undefined;
      throw error;
    }
  });
}

async function confirmedUnder(
  line: StripeLine,
  order: Authorisation,
  keyed: Keyed,
  again: boolean,
): Promise<ProviderIntent> {
  // Off session nobody is there to be sent anywhere.
  const buyer = order.offSession ? { off_session: true } : { return_url: order.returnUrl };
  const params = { ...paramsOf(order), confirm: true, payment_method: order.token, ...buyer };
  try {
    const made = await line.stripe.paymentIntents.create(params, keyed);
    return viewIntent(isOutdated(made, again) ? await asItIs(line, made.id) : made);
  } catch (error) {
    const intentId = isCardError(error) ? error.payment_intent?.id : undefined;
    if (intentId === undefined) throw error;
    return declinedBy(error, viewIntent(await asItIs(line, intentId)));
  }
}

const asItIs = (line: StripeLine, intentId: string): Promise<Intent> =>
  line.stripe.paymentIntents.retrieve(intentId, { expand });

async function searched(line: StripeLine, { bookingId, attempt }: Authorisation) {
  const found = await searchIntents(line, bookingId);
  const made = found.find((intent) => intent.attempt === attempt);
  if (made !== undefined) return made;
  throw new UsherError('payment-provider-unavailable', 'The search does not know the intent yet');
}

/** Intents whose metadata names the booking. */
export async function searchIntents(
  line: StripeLine,
  bookingId: string,
): Promise<ProviderIntent[]> {
  const query = `metadata['bookingId']:'${bookingId.replaceAll(/[^\w-]/g, '')}'`;
  const found = await line.stripe.paymentIntents.search({
    query,
    limit: 100,
    expand: ['data.latest_charge'],
  });
  return found.data.map(viewIntent);
}

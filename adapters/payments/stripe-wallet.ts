import type Stripe from 'stripe';
import { isCardError } from '#adapters/payments/stripe-errors.ts';
import type { StripeLine } from '#adapters/payments/stripe-line.ts';
import { idOf } from '#adapters/payments/stripe-view.ts';
import type { NewSetup, SavedMethod, Setup, Wallet } from '#adapters/payments/wallet.port.ts';
import { UsherError } from '#domain/errors.ts';
import { setupStatuses } from '#domain/payment.ts';

const methodsMax = 100;

/** Stripe's Customers, SetupIntents and PaymentMethods. */
export class StripeWallet implements Wallet {
  readonly #line: StripeLine;

  constructor(line: StripeLine) {
    this.#line = line;
  }

  async createCustomer(userId: string): Promise<string> {
    const params: Stripe.CustomerCreateParams = { metadata: { userId } };
    const made = await this.#line.keyed(`usher:${userId}:customer`, (keyed) =>
      this.#line.stripe.customers.create(params, keyed),
    );
    return made.id;
  }

  async methods(customerId: string): Promise<SavedMethod[]> {
    const params = { type: 'card', limit: methodsMax } as const;
    const found = await this.#line.ask(() =>
      this.#line.stripe.customers.listPaymentMethods(customerId, params),
    );
    return found.data.flatMap(viewMethod);
  }

  async setUp({ customerId, userId, key, token, returnUrl }: NewSetup): Promise<Setup> {
    const params: Stripe.SetupIntentCreateParams = {
      customer: customerId,
      usage: 'off_session',
      allowed_payment_method_types: ['card'],
      metadata: { userId },
      ...(token !== undefined && { payment_method: token, confirm: true, return_url: returnUrl }),
    };
    const intent = await this.#line.keyed(`usher:${userId}:setup:${key}`, (keyed) =>
      this.#line.stripe.setupIntents.create(params, keyed).catch(declinedSetup),
    );
    return viewSetup(intent);
  }

  async remove(customerId: string, paymentMethodId: string): Promise<void> {
    const { stripe } = this.#line;
    const method = await this.#line.ask(() => stripe.paymentMethods.retrieve(paymentMethodId));
    if (idOf(method.customer) !== customerId) throw new UsherError('not-found');
    await this.#line.ask(() => stripe.paymentMethods.detach(paymentMethodId));
  }
}

/** A bank that refuses is a state of the setup and no error. */
function declinedSetup(error: unknown): Stripe.SetupIntent {
  if (isCardError(error) && error.setup_intent !== undefined) return error.setup_intent;
  throw error;
}

function viewMethod({ id, card, created }: Stripe.PaymentMethod): SavedMethod[] {
  if (card === undefined) return [];
  const { brand, last4, exp_month: expMonth, exp_year: expYear } = card;
  const createdAt = created * 1000;
  return [{ paymentMethodId: id, brand, last4, expMonth, expYear, createdAt }];
}

function viewSetup(intent: Stripe.SetupIntent): Setup {
  const { id, last_setup_error: refusal } = intent;
  const status = setupStatuses.find((known) => known === intent.status);
  if (status === undefined) throw new Error(`${id} has the unknown status ${intent.status}`);
  const open = status !== 'succeeded' && status !== 'canceled' && status !== 'processing';
  const nextActionUrl = intent.next_action?.redirect_to_url?.url;
  const declineCode = refusal?.decline_code ?? refusal?.code;
  const paymentMethodId = idOf(intent.payment_method);
  return {
    setupId: id,
    status,
    ...(open && intent.client_secret && { clientSecret: intent.client_secret }),
    ...(open && nextActionUrl && { nextActionUrl }),
    ...(status === 'requires_payment_method' && declineCode && { declineCode }),
    ...(status === 'succeeded' && paymentMethodId !== undefined && { paymentMethodId }),
  };
}

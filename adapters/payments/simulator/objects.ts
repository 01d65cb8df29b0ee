import type Stripe from 'stripe';
import type { Card } from '#adapters/payments/simulator/cards.ts';
import type { ChargeDoc, IntentDoc, RefundDoc } from '#adapters/payments/simulator/model.ts';

export type NewIntentParams = {
  readonly id: string;
  readonly secret: string;
  readonly amount: number;
  readonly currency: string;
  readonly captureMethod: 'automatic' | 'manual';
  readonly metadata: Record<string, string>;
  readonly description: string | null;
  readonly customer: string | null;
  readonly save: 'off_session' | 'on_session' | null;
  /** The browser chooses among all ways of paying; else cards only. */
  readonly automatic: boolean;
  /** Epoch seconds. */
  readonly created: number;
};

/** A fresh intent with every field that the API version has. */
export function newIntent(params: NewIntentParams): IntentDoc {
  const { id, secret, amount, currency, captureMethod, metadata, description, created } = params;
  const { customer, save, automatic } = params;
  const body: Stripe.PaymentIntent = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: automatic ? null : ['card'],
    amount,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: automatic ? { allow_redirects: 'always', enabled: true } : null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: captureMethod,
    client_secret: `${id}_secret_${secret}`,
    confirmation_method: 'automatic',
    created,
    currency,
    customer,
    customer_account: null,
    description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: {
        installments: null,
        mandate_options: null,
        network: null,
        request_three_d_secure: 'automatic',
      },
    },
    payment_method_types: ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: save,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  return { _id: id, kind: 'payment_intent', created, body };
}

const cardDetails = (card: Card) => ({
  brand: card.brand,
  country: 'US',
  exp_month: 12,
  exp_year: 2040,
  funding: card.funding ?? 'credit',
  last4: card.number.slice(-4),
});

/** A charge of an intent: authorised, or failed with the card's codes. */
export function newCharge(id: string, intent: IntentDoc, card: Card, created: number): ChargeDoc {
  const { body: of } = intent;
  const failed = card.decline;
  const body = {
    id,
    object: 'charge',
    amount: of.amount,
    amount_captured: 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: 'USHER',
    captured: false,
    created,
    currency: of.currency,
    customer: of.customer,
    description: of.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failed?.code ?? null,
    failure_message: failed?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: of.metadata,
    on_behalf_of: null,
    outcome: {
      advice_code: null,
      network_advice_code: null,
      network_decline_code: null,
      network_status: failed ? 'declined_by_network' : 'approved_by_network',
      reason: failed?.declineCode ?? failed?.code ?? null,
      risk_level: 'normal',
      risk_score: 1,
      seller_message: failed ? 'The bank declined the payment.' : 'Payment complete.',
      type: failed ? 'issuer_declined' : 'authorized',
    },
    paid: failed === undefined,
    payment_intent: of.id,
    payment_method: typeof of.payment_method === 'string' ? of.payment_method : null,
    payment_method_details: { type: 'card', card: cardDetails(card) },
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: failed ? 'failed' : 'succeeded',
    transfer_data: null,
    transfer_group: null,
  } as Stripe.Charge;
  return { _id: id, kind: 'charge', created, body };
}

export type NewRefundParams = {
  readonly id: string;
  readonly charge: ChargeDoc;
  readonly amount: number;
  readonly reason: string | null;
  readonly metadata: Record<string, string>;
  readonly created: number;
  readonly status: 'pending' | 'succeeded';
};

export function newRefund(params: NewRefundParams): RefundDoc {
  const { id, charge, amount, reason, metadata, created, status } = params;
  const body: Stripe.Refund = {
    id,
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge._id,
    created,
    currency: charge.body.currency,
    customer: null,
    customer_account: null,
    destination_details: { type: 'card' },
    metadata,
    payment_intent: charge.body.payment_intent,
    payment_method: charge.body.payment_method,
    reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
  };
  return { _id: id, kind: 'refund', created, body };
}

/** A test payment method as an object. `id` is what a confirmation made of it, or its alias. */
export function paymentMethod(
  id: string,
  card: Card,
  created: number,
  customer: string | null = null,
): Stripe.PaymentMethod {
  return {
    id,
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    card: { ...cardDetails(card), three_d_secure_usage: { supported: true }, wallet: null },
    created,
    customer,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: 'card',
  } as unknown as Stripe.PaymentMethod;
}

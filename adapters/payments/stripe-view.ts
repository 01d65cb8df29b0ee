import type Stripe from 'stripe';
import type {
  ListedRefund,
  ProviderDispute,
  ProviderEvent,
  ProviderIntent,
  ProviderRefund,
  RefundStatus,
} from '#adapters/payments/port.ts';
import {
  fromProviderAmount,
  type IntentStatus,
  intentStatuses,
  isFinalIntent,
} from '#domain/payment.ts';

const statuses: ReadonlySet<string> = new Set(intentStatuses);

const refundStatuses: ReadonlySet<string> = new Set<RefundStatus>([
  'pending',
  'succeeded',
  'failed',
  'requires_action',
  'canceled',
]);

const isIntentStatus = (status: string): status is IntentStatus => statuses.has(status);
const isRefundStatus = (status: string | null): status is RefundStatus =>
  status !== null && refundStatuses.has(status);

function statusOf(intent: Stripe.PaymentIntent): IntentStatus {
  if (isIntentStatus(intent.status)) return intent.status;
  throw new Error(`${intent.id} has the unknown status ${intent.status}`);
}

/** The id of what may have been expanded. */
export const idOf = (of: string | { readonly id: string } | null): string | undefined =>
  typeof of === 'string' ? of : of?.id;

const codeOfDecline = (intent: Stripe.PaymentIntent): string | undefined =>
  intent.last_payment_error?.decline_code ?? intent.last_payment_error?.code;

/** Our view of an intent; `latest_charge` must be expanded for the refunded amount to be seen. */
export function viewIntent(intent: Stripe.PaymentIntent): ProviderIntent {
  const status = statusOf(intent);
  const inCurrency = (amount: number) => fromProviderAmount(amount, intent.currency).amount;
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null;
  const declineCode = codeOfDecline(intent);
  const nextActionUrl = intent.next_action?.redirect_to_url?.url;
  const acting = status === 'requires_action';
  // With any way of paying allowed, it is the browser that chooses one and confirms.
  const choosing = intent.automatic_payment_methods !== null && !isFinalIntent(status);
  const paymentMethod = idOf(intent.payment_method);
  const { bookingId, eventId, attempt } = intent.metadata;
  return {
    intentId: intent.id,
    status,
    amount: fromProviderAmount(intent.amount, intent.currency),
    amountCaptured: inCurrency(intent.amount_received),
    // An authorisation that was let go shows as refunded too; nothing was returned.
    amountRefunded: inCurrency(charge?.captured ? charge.amount_refunded : 0),
    createdAt: intent.created * 1000,
    ...((acting || choosing) && intent.client_secret && { clientSecret: intent.client_secret }),
    ...(paymentMethod !== undefined && { paymentMethod }),
    ...(acting && nextActionUrl && { nextActionUrl }),
    ...(status === 'requires_payment_method' && declineCode && { declineCode }),
    ...(bookingId !== undefined && { bookingId }),
    ...(eventId !== undefined && { eventId }),
    ...(attempt !== undefined && { attempt: Number(attempt) }),
  };
}

export function viewRefund(refund: Stripe.Refund): ProviderRefund {
  if (!isRefundStatus(refund.status)) {
    throw new Error(`${refund.id} has the unknown status ${refund.status}`);
  }
  return {
    refundId: refund.id,
    status: refund.status,
    amount: fromProviderAmount(refund.amount, refund.currency),
  };
}

export function viewListedRefund(refund: Stripe.Refund): ListedRefund {
  const of = refund.payment_intent;
  const refundKey = refund.metadata?.refundKey;
  return {
    ...viewRefund(refund),
    intentId: typeof of === 'string' ? of : of?.id,
    ...(refundKey !== undefined && { refundKey }),
  };
}

/** What becomes of the money, by the provider's word for it; undefined for an unknown word. */
const disputeStates: Readonly<Record<string, ProviderDispute['state']>> = {
  warning_needs_response: 'inquiry',
  warning_under_review: 'inquiry',
  warning_closed: 'won',
  prevented: 'won',
  won: 'won',
  needs_response: 'open',
  under_review: 'open',
  lost: 'lost',
  // Lost already; what an appeal brings back is booked by hand.
  appeal_needs_response: 'lost',
  appeal_under_review: 'lost',
};

export function viewDispute(dispute: Stripe.Dispute): ProviderDispute {
  const { id, status, reason, amount, currency, created } = dispute;
  const state = disputeStates[status];
  if (state === undefined) throw new Error(`${id} has the unknown status ${status}`);
  const intentId = idOf(dispute.payment_intent);
  return {
    disputeId: id,
    state,
    status,
    reason,
    amount: fromProviderAmount(amount, currency),
    ...(intentId !== undefined && { intentId }),
    chargeId: idOf(dispute.charge) ?? '',
    createdAt: created * 1000,
  };
}

/** What a webhook speaks of: an intent itself, or the intent of a charge or refund. */
export function viewEvent(event: Stripe.Event): ProviderEvent {
  const base = { id: event.id, type: event.type, createdAt: event.created * 1000 };
  const object: { readonly object?: string } = event.data.object;
  if (object.object === 'payment_intent') {
    const intent = object as Stripe.PaymentIntent;
    const { bookingId } = intent.metadata;
    const status = statusOf(intent);
    return { ...base, intentId: intent.id, status, ...(bookingId !== undefined && { bookingId }) };
  }
  if (object.object === 'dispute') {
    const { id: disputeId, payment_intent: of } = object as Stripe.Dispute;
    const intentId = idOf(of);
    return { ...base, disputeId, ...(intentId !== undefined && { intentId }) };
  }
  if (object.object === 'charge' || object.object === 'refund') {
    const of = (object as Stripe.Charge | Stripe.Refund).payment_intent;
    const intentId = idOf(of);
    return { ...base, ...(intentId !== undefined && { intentId }) };
  }
  return base;
}

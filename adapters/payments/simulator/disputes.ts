import type Stripe from 'stripe';
import { type Card, cardOf } from '#adapters/payments/simulator/cards.ts';
import type { Endpoint } from '#adapters/payments/simulator/endpoint.ts';
import { missing, refused } from '#adapters/payments/simulator/errors.ts';
import type { Moment } from '#adapters/payments/simulator/intents.ts';
import { listOf } from '#adapters/payments/simulator/lists.ts';
import {
  type Answer,
  type Change,
  type ChargeDoc,
  type DisputeDoc,
  event,
} from '#adapters/payments/simulator/model.ts';
import { flag, objectOf, text } from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const evidence = (uncategorized: string | null): Stripe.Dispute.Evidence => ({
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: uncategorized,
});

/** The buyer's bank asks for the money of a captured charge; an inquiry does not take it yet. */
export function openDispute(
  charge: ChargeDoc,
  why: NonNullable<Card['dispute']>,
  at: Moment,
): Change {
  const inquiry = why === 'inquiry';
  const created = Math.floor(at.now / 1000);
  const id = at.id('dp');
  const body: Stripe.Dispute = {
    id,
    object: 'dispute',
    amount: charge.body.amount_captured - charge.body.amount_refunded,
    balance_transactions: [],
    charge: charge._id,
    created,
    currency: charge.body.currency,
    enhanced_eligibility_types: [],
    evidence: evidence(null),
    evidence_details: {
      due_by: created + 7 * 86_400,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual' as Stripe.Dispute.EvidenceDetails.SubmissionMethod,
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    network_reason_code: '10.4',
    payment_intent: charge.body.payment_intent,
    reason: inquiry ? 'general' : why,
    status: inquiry ? 'warning_needs_response' : 'needs_response',
  };
  const dispute: DisputeDoc = { _id: id, kind: 'dispute', created, body };
  const disputed: ChargeDoc = { ...charge, body: { ...charge.body, disputed: true } };
  return {
    puts: [disputed, dispute],
    events: [
      event('charge.dispute.created', body),
      ...(inquiry ? [] : [event('charge.dispute.funds_withdrawn', body)]),
    ],
  };
}

/** What a dispute of this charge's card looks like when it is captured, if it is one that disputes. */
export function disputeOf(
  card: string | undefined,
  charge: ChargeDoc,
  at: Moment,
): Change | undefined {
  const { dispute } = cardOf(card);
  return dispute === undefined ? undefined : openDispute(charge, dispute, at);
}

const isOpen = ({ body }: DisputeDoc): boolean =>
  body.status === 'needs_response' || body.status === 'warning_needs_response';

/** The bank decides. */
export function closeDispute(doc: DisputeDoc, won: boolean): Change {
  if (!isOpen(doc)) throw refused('This dispute is already closed');
  const inquiry = doc.body.status === 'warning_needs_response';
  const ended = won ? 'won' : 'lost';
  const body: Stripe.Dispute = {
    ...doc.body,
    status: inquiry ? 'warning_closed' : ended,
    evidence: evidence(won ? 'winning_evidence' : 'losing_evidence'),
  };
  const back = won && !inquiry ? [event('charge.dispute.funds_reinstated', body)] : [];
  return {
    puts: [{ ...doc, body }],
    events: [event('charge.dispute.closed', body), ...back],
  };
}

export async function disputeBy(world: World, id: string): Promise<DisputeDoc> {
  const doc = await world.store.find('dispute', id);
  if (doc === undefined) throw missing('dispute', id, 'id');
  return doc;
}

/** The evidence that Stripe's test mode decides by. */
const verdicts: Readonly<Record<string, boolean>> = {
  winning_evidence: true,
  losing_evidence: false,
};

const answered = (doc: DisputeDoc, change: Change): Answer => {
  const after = change.puts.find(({ _id }) => _id === doc._id) ?? doc;
  return { status: 200, body: after.body, ...change };
};

const byPath = (id: string): string => id;
const one = /^\/v1\/disputes\/(dp_\w+)$/;

/** Disputes: read, listed, and ended by evidence or by giving in. */
export const disputeEndpoints: readonly Endpoint[] = [
  {
    operation: 'disputes.retrieve',
    method: 'GET',
    path: one,
    known: [],
    run: async (world, id) => ({ status: 200, body: (await disputeBy(world, id)).body }),
  },
  {
    operation: 'disputes.list',
    method: 'GET',
    path: /^\/v1\/disputes$/,
    known: ['limit', 'starting_after', 'ending_before', 'created', 'payment_intent', 'charge'],
    run: (world, _id, params) => listOf(world, 'dispute', params),
  },
  {
    operation: 'disputes.update',
    method: 'POST',
    path: one,
    orderBy: byPath,
    known: ['evidence', 'submit', 'metadata'],
    run: async (world, id, params) => {
      const doc = await disputeBy(world, id);
      const verdict = verdicts[text(objectOf(params, 'evidence'), 'uncategorized_text') ?? ''];
      if (verdict === undefined || flag(params, 'submit') === false) {
        return { status: 200, body: doc.body };
      }
      return answered(doc, closeDispute(doc, verdict));
    },
  },
  {
    operation: 'disputes.close',
    method: 'POST',
    path: /^\/v1\/disputes\/(dp_\w+)\/close$/,
    orderBy: byPath,
    known: [],
    run: async (world, id) => {
      const doc = await disputeBy(world, id);
      return answered(doc, closeDispute(doc, false));
    },
  },
];

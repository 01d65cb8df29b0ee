import { cardOf } from '#adapters/payments/simulator/cards.ts';
import { refused } from '#adapters/payments/simulator/errors.ts';
import type { Moment } from '#adapters/payments/simulator/intents.ts';
import type {
  Answer,
  Change,
  ChargeDoc,
  IntentDoc,
  RefundDoc,
} from '#adapters/payments/simulator/model.ts';
import { newRefund } from '#adapters/payments/simulator/objects.ts';

/** How long a pending refund, or one that will fail, takes. */
const refundSettlesMs = 2_000;

const withRefunded = (charge: ChargeDoc, amount: number): ChargeDoc => ({
  ...charge,
  body: {
    ...charge.body,
    amount_refunded: amount,
    refunded: amount === charge.body.amount_captured,
  },
});

/** `POST /v1/refunds`: of the whole that is left, or of `amount`. */
export function refund(
  intent: IntentDoc,
  charge: ChargeDoc | undefined,
  order: {
    readonly amount: number | undefined;
    readonly reason: string | null;
    readonly metadata: Record<string, string>;
  },
  at: Moment,
): Answer {
  if (intent.body.status !== 'succeeded' || charge === undefined) {
    throw refused(
      `This PaymentIntent (${intent._id}) does not have a successful charge to refund.`,
    );
  }
  const left = charge.body.amount_captured - charge.body.amount_refunded;
  if (left === 0) {
    throw refused(`Charge ${charge._id} has already been refunded.`, 'charge_already_refunded');
  }
  const amount = order.amount ?? left;
  if (amount > left) {
    throw refused(
      `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`,
      undefined,
      { param: 'amount' },
    );
  }
  const card = cardOf(intent.card);
  const made = newRefund({
    id: at.id('re'),
    charge,
    amount,
    reason: order.reason,
    metadata: order.metadata,
    created: Math.floor(at.now / 1000),
    status: card.refund === 'pending' ? 'pending' : 'succeeded',
  });
  const doc: RefundDoc =
    card.refund === undefined
      ? made
      : {
          ...made,
          dueAt: at.now + refundSettlesMs,
          dueStatus: card.refund === 'pending' ? 'succeeded' : 'failed',
        };
  const kept = withRefunded(charge, charge.body.amount_refunded + amount);
  return {
    status: 200,
    body: doc.body,
    puts: [kept, doc],
    events: [
      { type: 'refund.created', object: doc.body },
      { type: 'charge.refunded', object: kept.body },
    ],
  };
}

/** What becomes of a refund later; a failed one gives the money back to us. */
export function settleRefund(doc: RefundDoc, charge: ChargeDoc | undefined): Change {
  const { dueAt: _, dueStatus = 'succeeded', ...rest } = doc;
  const failed = dueStatus === 'failed';
  const kept: RefundDoc = {
    ...rest,
    body: {
      ...doc.body,
      status: dueStatus,
      ...(failed && { failure_reason: 'expired_or_canceled_card' }),
    },
  };
  const events = [{ type: failed ? 'refund.failed' : 'refund.updated', object: kept.body }];
  if (!failed || charge === undefined) return { puts: [kept], events };
  const back = charge.body.amount_refunded - doc.body.amount;
  return { puts: [withRefunded(charge, back), kept], events };
}

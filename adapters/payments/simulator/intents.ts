import type Stripe from 'stripe';
import { cardOf, type Decline } from '#adapters/payments/simulator/cards.ts';
import { refused } from '#adapters/payments/simulator/errors.ts';
import {
  type Answer,
  type Change,
  type ChargeDoc,
  event,
  type IntentDoc,
  type MethodDoc,
} from '#adapters/payments/simulator/model.ts';
import { newCharge, paymentMethod } from '#adapters/payments/simulator/objects.ts';

/** What a transition needs besides its intent. */
export type Moment = {
  /** Epoch ms. */
  readonly now: number;
  /** A fresh id with this prefix. */
  readonly id: (prefix: string) => string;
  /** Where the simulator's own pages are. */
  readonly publicUrl: string;
};

const seconds = (ms: number): number => Math.floor(ms / 1000);

const withBody = (doc: IntentDoc, body: Partial<Stripe.PaymentIntent>): IntentDoc => ({
  ...doc,
  body: { ...doc.body, ...body },
});

/** The refusal of a step that the intent's status does not allow. */
function unexpectedState(doc: IntentDoc, step: string, allowed: readonly string[]) {
  return refused(
    `This PaymentIntent's status is ${doc.body.status} and it could not be ${step}. Only a PaymentIntent with one of the following statuses may be ${step}: ${allowed.join(', ')}.`,
    'payment_intent_unexpected_state',
    { payment_intent: doc.body },
  );
}

/** The bank said yes: the money is put aside, or taken at once where capture is automatic. */
function authorise(doc: IntentDoc, at: Moment): Change {
  const { dueAt: _, ...settled } = doc;
  const manual = doc.body.capture_method === 'manual';
  const charge = newCharge(at.id('ch'), doc, cardOf(doc.card), seconds(at.now));
  const intent = withBody(settled, {
    status: manual ? 'requires_capture' : 'succeeded',
    amount_capturable: manual ? doc.body.amount : 0,
    amount_received: manual ? 0 : doc.body.amount,
    latest_charge: charge._id,
    last_payment_error: null,
    next_action: null,
  });
  const kept: ChargeDoc = manual
    ? charge
    : { ...charge, body: { ...charge.body, captured: true, amount_captured: doc.body.amount } };
  const type = manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded';
  return {
    puts: [kept, intent, ...savedBy(intent)],
    events: [event('charge.succeeded', kept.body), event(type, intent.body)],
  };
}

/** The payment method that becomes its customer's by this payment, where it is to be kept. */
function savedBy({ body, card }: IntentDoc): MethodDoc[] {
  const { payment_method: method, customer, setup_future_usage: usage, created } = body;
  if (usage === null || typeof customer !== 'string' || typeof method !== 'string') return [];
  return [savedMethod(method, card ?? '', customer, created)];
}

/** A payment method of a customer. */
export function savedMethod(
  _id: string,
  card: string,
  customer: string,
  created: number,
): MethodDoc {
  const body = paymentMethod(_id, cardOf(card), created, customer);
  return { _id, kind: 'payment_method', created, body, card };
}

/** The attempt failed: back to the start, with the reason. */
function fail(doc: IntentDoc, failure: Decline, charge: ChargeDoc | undefined, at: Moment): Change {
  const { dueAt: _, ...settled } = doc;
  const method = paymentMethod(String(doc.body.payment_method), cardOf(doc.card), seconds(at.now));
  const lastError = {
    type: charge === undefined ? 'invalid_request_error' : 'card_error',
    code: failure.code,
    message: failure.message,
    ...(failure.declineCode !== undefined && { decline_code: failure.declineCode }),
    ...(charge !== undefined && { charge: charge._id }),
    payment_method: method,
  } as Stripe.PaymentIntent.LastPaymentError;
  const intent = withBody(settled, {
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_payment_error: lastError,
    ...(charge !== undefined && { latest_charge: charge._id }),
  });
  return {
    puts: charge === undefined ? [intent] : [charge, intent],
    events: [
      ...(charge === undefined ? [] : [event('charge.failed', charge.body)]),
      event('payment_intent.payment_failed', intent.body),
    ],
  };
}

/** Asks the bank: a decline fails the attempt, everything else authorises. */
function askBank(doc: IntentDoc, at: Moment): Change {
  const { decline } = cardOf(doc.card);
  return decline === undefined ? authorise(doc, at) : refuse(doc, decline, at);
}

/** The bank said no. */
function refuse(doc: IntentDoc, decline: Decline, at: Moment): Change {
  const charge = newCharge(at.id('ch'), doc, { ...cardOf(doc.card), decline }, seconds(at.now));
  return fail(doc, decline, charge, at);
}

const intentIn = (change: Change, fallback: IntentDoc): IntentDoc =>
  change.puts.find((doc): doc is IntentDoc => doc.kind === 'payment_intent') ?? fallback;

const confirmable = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** How a confirmation is to be paid. */
export type Paying = {
  /** The test payment method it comes down to. */
  readonly alias: string;
  readonly methodId: string;
  /** It is the customer's already. */
  readonly saved: boolean;
  readonly offSession: boolean;
  readonly returnUrl: string | undefined;
};

/** Whether the bank wants to hear from the buyer. */
const asksBuyer = ({ alias, offSession, saved }: Paying): boolean => {
  const { challenge } = cardOf(alias);
  if (challenge === undefined) return false;
  if (!offSession || challenge === 'always') return true;
  return challenge === 'unless-saved' && !saved;
};

const needsBuyer: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
};

/** `POST /v1/payment_intents/{id}/confirm` with a known test payment method. */
export function confirm(doc: IntentDoc, paying: Paying, at: Moment): Answer {
  if (!confirmable.includes(doc.body.status)) throw unexpectedState(doc, 'confirmed', confirmable);
  const { alias, returnUrl, methodId, offSession } = paying;
  const { processingMs } = cardOf(alias);
  const chosen: IntentDoc = {
    ...withBody(doc, { payment_method: methodId, last_payment_error: null }),
    card: alias,
    ...(returnUrl !== undefined && { returnUrl }),
  };
  if (asksBuyer(paying) && !offSession) return challenge(chosen, at);
  if (processingMs !== undefined) {
    const intent = withBody(
      { ...chosen, dueAt: at.now + processingMs },
      { status: 'processing', processing: { type: 'card', card: {} } },
    );
    const events = [event('payment_intent.processing', intent.body)];
    return { status: 200, body: intent.body, puts: [intent], events };
  }
  const change = asksBuyer(paying) ? refuse(chosen, needsBuyer, at) : askBank(chosen, at);
  const after = intentIn(change, chosen);
  const error = after.body.last_payment_error;
  if (error === null) return { status: 200, body: after.body, ...change };
  return { status: 402, body: { error: { ...error, payment_intent: after.body } }, ...change };
}

function challenge(doc: IntentDoc, at: Moment): Answer {
  const token = encodeURIComponent(doc.body.client_secret ?? '');
  const url = `${at.publicUrl}/_simulator/3ds/${doc._id}?client_secret=${token}`;
  const intent = withBody(doc, {
    status: 'requires_action',
    next_action: {
      type: 'redirect_to_url',
      redirect_to_url: { return_url: doc.returnUrl ?? null, url },
    },
  });
  const events = [event('payment_intent.requires_action', intent.body)];
  return { status: 200, body: intent.body, puts: [intent], events };
}

/** What the buyer did on the bank's page. */
export function answerChallenge(doc: IntentDoc, passed: boolean, at: Moment): Change {
  if (passed) return askBank(doc, at);
  const message =
    'We are unable to authenticate your payment method. Please choose a different payment method and try again.';
  return fail(doc, { code: 'payment_intent_authentication_failure', message }, undefined, at);
}

/** The end of `processing`. */
export const settle = (doc: IntentDoc, at: Moment): Change =>
  askBank(withBody(doc, { processing: null }), at);

/** `POST /v1/payment_intents/{id}/capture`; `amount` undefined takes everything. */
export function capture(
  doc: IntentDoc,
  charge: ChargeDoc | undefined,
  amount: number | undefined,
): Answer {
  if (doc.body.status !== 'requires_capture' || charge === undefined) {
    throw unexpectedState(doc, 'captured', ['requires_capture']);
  }
  if (cardOf(doc.card).captureDeclined) {
    const message = 'Your card was declined.';
    const error = { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline' };
    return {
      status: 402,
      body: { error: { ...error, message, charge: charge._id, payment_intent: doc.body } },
    };
  }
  const taken = amount ?? doc.body.amount_capturable;
  if (taken < 1 || taken > doc.body.amount_capturable) {
    throw refused('The amount to capture exceeds what is capturable', 'amount_too_large', {
      param: 'amount_to_capture',
    });
  }
  const intent = withBody(doc, {
    status: 'succeeded',
    amount_capturable: 0,
    amount_received: taken,
  });
  const kept: ChargeDoc = {
    ...charge,
    body: { ...charge.body, captured: true, amount_captured: taken },
  };
  return {
    status: 200,
    body: intent.body,
    puts: [kept, intent],
    events: [event('charge.captured', kept.body), event('payment_intent.succeeded', intent.body)],
  };
}

const cancellable = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
];

/** `POST /v1/payment_intents/{id}/cancel`. */
export function cancel(
  doc: IntentDoc,
  charge: ChargeDoc | undefined,
  reason: Stripe.PaymentIntent.CancellationReason | null,
  at: Moment,
): Answer {
  if (!cancellable.includes(doc.body.status)) throw unexpectedState(doc, 'canceled', cancellable);
  const intent = withBody(doc, {
    status: 'canceled',
    canceled_at: seconds(at.now),
    cancellation_reason: reason,
    amount_capturable: 0,
    next_action: null,
  });
  // An authorisation that is let go shows as refunded in full without ever having been captured.
  const authorised = doc.body.status === 'requires_capture' && charge !== undefined;
  const kept: ChargeDoc[] = authorised
    ? [{ ...charge, body: { ...charge.body, refunded: true, amount_refunded: charge.body.amount } }]
    : [];
  return {
    status: 200,
    body: intent.body,
    puts: [...kept, intent],
    events: [event('payment_intent.canceled', intent.body)],
  };
}

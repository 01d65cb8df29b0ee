import type Stripe from 'stripe';

/** Everything the simulator keeps stands in one collection, so that one write stores a request. */
export type IntentDoc = {
  readonly _id: string;
  readonly kind: 'payment_intent';
  readonly created: number;
  readonly body: Stripe.PaymentIntent;
  /** The test payment method of the last confirmation, by the id it was asked for. */
  readonly card?: string;
  readonly returnUrl?: string;
  /** Epoch ms at which `processing` ends. */
  readonly dueAt?: number;
};

export type ChargeDoc = {
  readonly _id: string;
  readonly kind: 'charge';
  readonly created: number;
  readonly body: Stripe.Charge;
};

export type RefundDoc = {
  readonly _id: string;
  readonly kind: 'refund';
  readonly created: number;
  readonly body: Stripe.Refund;
  /** Epoch ms at which the refund becomes `dueStatus`. */
  readonly dueAt?: number;
  readonly dueStatus?: 'succeeded' | 'failed';
};

export type EventDoc = {
  readonly _id: string;
  readonly kind: 'event';
  readonly created: number;
  /** The JSON that is delivered, byte for byte the same at each try. */
  readonly payload: string;
  readonly type: string;
  readonly delivery: 'none' | 'pending' | 'delivered' | 'lost' | 'given-up';
  readonly tries: number;
  /** Epoch ms of the next try while pending. */
  readonly dueAt?: number;
};

export type AnswerDoc = {
  readonly _id: string;
  readonly kind: 'answer';
  readonly created: number;
  readonly fingerprint: string;
  readonly status: number;
  readonly payload: string;
  readonly requestId: string;
  /** For MongoDB's TTL: keys are forgotten after a day. */
  readonly expiresAt: Date;
};

export type CustomerDoc = {
  readonly _id: string;
  readonly kind: 'customer';
  readonly created: number;
  readonly body: Stripe.Customer;
};

/** A payment method that a customer has or that a browser has made; others are not kept. */
export type MethodDoc = {
  readonly _id: string;
  readonly kind: 'payment_method';
  readonly created: number;
  readonly body: Stripe.PaymentMethod;
  /** The test payment method that it is. */
  readonly card: string;
  /** Taken from its customer: Stripe does not let it be used again. */
  readonly detached?: boolean;
};

export type SetupDoc = {
  readonly _id: string;
  readonly kind: 'setup_intent';
  readonly created: number;
  readonly body: Stripe.SetupIntent;
  readonly card?: string;
  readonly returnUrl?: string;
};

export type DisputeDoc = {
  readonly _id: string;
  readonly kind: 'dispute';
  readonly created: number;
  readonly body: Stripe.Dispute;
};

/** What is kept under an id of its own and shown as `body`. */
export type ObjectDoc =
  | IntentDoc
  | ChargeDoc
  | RefundDoc
  | CustomerDoc
  | MethodDoc
  | SetupDoc
  | DisputeDoc;

export type Doc = ObjectDoc | EventDoc | AnswerDoc;

/** What a request changes, and what the world is told about it. */
export type Change = {
  readonly puts: readonly ObjectDoc[];
  readonly events: readonly { readonly type: string; readonly object: object }[];
};

export const event = (type: string, object: object): Change['events'][number] => ({ type, object });

/** The outcome of an endpoint. A declined card is an answer with effects, not an exception. */
export type Answer = { readonly status: number; readonly body: object } & Partial<Change>;

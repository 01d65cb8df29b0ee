import type { Wallet } from '#adapters/payments/wallet.port.ts';
import type { Money } from '#domain/money.ts';
import type { IntentStatus } from '#domain/payment.ts';

/** An intent as the provider shows it at one moment. */
export type ProviderIntent = {
  readonly intentId: string;
  readonly status: IntentStatus;
  readonly amount: Money;
  /** Minor units. */
  readonly amountCaptured: number;
  readonly amountRefunded: number;
  /** While the buyer's browser has something to do with it. */
  readonly clientSecret?: string;
  readonly nextActionUrl?: string;
  /** What it was, or is being, paid with; may be used again when it was saved. */
  readonly paymentMethod?: string;
  /** Why the last attempt to confirm or capture was declined. */
  readonly declineCode?: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** From its metadata; undefined for an intent that is not ours. */
  readonly bookingId?: string;
  readonly eventId?: string;
  readonly attempt?: number;
};

export type RefundStatus = 'pending' | 'succeeded' | 'failed' | 'requires_action' | 'canceled';

export type ProviderRefund = {
  readonly refundId: string;
  readonly status: RefundStatus;
  readonly amount: Money;
};

/** A refund among others; `refundKey` when it was asked for by us. */
export type ListedRefund = ProviderRefund & {
  readonly intentId: string | undefined;
  readonly refundKey?: string;
};

/** A webhook whose signature was right. */
export type ProviderEvent = {
  readonly id: string;
  readonly type: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** The intent it speaks of, where there is one. */
  readonly intentId?: string;
  readonly bookingId?: string;
  /** The dispute it speaks of, where it is about one. */
  readonly disputeId?: string;
  /** The intent's status when the event was made. */
  readonly status?: IntentStatus;
};

/**
 * A buyer's bank asks money back. `inquiry`: it only asks, no money has gone; `open`: the money is
 * taken until it is decided; `won`: it stays with us, or came back.
 */
export type ProviderDispute = {
  readonly disputeId: string;
  readonly state: 'inquiry' | 'open' | 'won' | 'lost';
  /** The provider's own words. */
  readonly status: string;
  readonly reason: string;
  readonly amount: Money;
  readonly intentId?: string;
  readonly chargeId: string;
  /** Epoch ms. */
  readonly createdAt: number;
};

export type EventRange = {
  /** Epoch ms. */
  readonly from: number;
  readonly undelivered: boolean;
  readonly cursor?: string | undefined;
};

export type NewIntent = {
  readonly eventId: string;
  readonly bookingId: string;
  readonly attempt: number;
  readonly buyerId: string;
  readonly amount: Money;
  /** Whose saved payment methods may pay it. */
  readonly customerId?: string | undefined;
  /** The payment method becomes one of the customer's, to be charged without the buyer later. */
  readonly save?: boolean | undefined;
  /** The buyer's browser confirms it, by any way of paying that the account takes. */
  readonly byBrowser?: boolean | undefined;
};

export type Confirmation = {
  readonly bookingId: string;
  readonly attempt: number;
  readonly intentId: string;
  /** Payment-method id. */
  readonly token: string;
  /** Where the buyer's bank sends the browser back to. */
  readonly returnUrl: string;
  /** The buyer is not there: what needs the buyer is declined as `authentication_required`. */
  readonly offSession?: boolean | undefined;
};

/** An intent that is made and confirmed by one request. */
export type Authorisation = Omit<NewIntent, 'byBrowser'> &
  Pick<Confirmation, 'token' | 'returnUrl' | 'offSession'>;

export type RefundOrder = {
  readonly bookingId: string;
  readonly intentId: string;
  readonly amount: Money;
  /** The same key never returns money twice. */
  readonly refundKey: string;
};

/**
 * The payment provider. Every method may be repeated with the same arguments and has its effect
 * once. Rejects with an `UsherError`: `payment-provider-unavailable` means that nothing is known
 * (it may have happened), every other code that it was answered and refused. A declined card is no
 * error but a state (`requires_payment_method` with `declineCode`).
 */
export interface PaymentProvider {
  /** Buyers' saved payment methods. */
  readonly wallet: Wallet;
  createIntent(order: NewIntent): Promise<ProviderIntent>;
  /**
   * Creates and confirms in one request; answers the intent as it is now. Rejects with
   * `payment-method-invalid` when there is none because of the payment method.
   */
  authorise(order: Authorisation): Promise<ProviderIntent>;
  /**
   * Sees to it that `authorise` of this order makes no intent any more, however late it arrives.
   * Answers the intent that there is (a new one is never confirmed), or undefined when the order
   * was refused: then there is none.
   */
  withdraw(order: Authorisation): Promise<ProviderIntent | undefined>;
  /** Authorises; `payment-method-invalid` for a payment method that does not exist or fit. */
  confirm(order: Confirmation): Promise<ProviderIntent>;
  /** `not-found` for an unknown id. */
  retrieve(intentId: string): Promise<ProviderIntent>;
  /** Answers the state afterwards: `succeeded`, or another one when the capture was refused. */
  capture(intentId: string): Promise<ProviderIntent>;
  /** Answers the state afterwards; a captured intent stays `succeeded`. */
  cancel(intentId: string): Promise<ProviderIntent>;
  /** `state-forbids` when there is not that much left to return. */
  refund(order: RefundOrder): Promise<ProviderRefund>;
  /**
   * Intents that carry this booking's id. From the provider's search, which lags behind by up to a
   * minute or more: absence proves nothing about young intents.
   */
  search(bookingId: string): Promise<ProviderIntent[]>;
  /** Intents created in `[from, to)` (epoch ms, whole seconds count), newest first; not lagging. */
  list(range: {
    readonly from: number;
    readonly to: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: ProviderIntent[]; readonly nextCursor: string | null }>;
  /** Refunds of one intent, newest first, at most 100. */
  refundsOf(intentId: string): Promise<ListedRefund[]>;
  /** Refunds created in `[from, to)`, as `list` does. */
  listRefunds(range: {
    readonly from: number;
    readonly to: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: ListedRefund[]; readonly nextCursor: string | null }>;
  /** False while requests are refused because the last ones were not answered. */
  readonly answers: boolean;
  /** `not-found` for an unknown id. */
  dispute(disputeId: string): Promise<ProviderDispute>;
  /** An event as its webhook told it; `not-found` for one that is unknown or older than 30 days. */
  event(eventId: string): Promise<ProviderEvent>;
  /**
   * Events of the kinds that we listen to, created at or after `from` (epoch ms), newest first;
   * with `undelivered` only those whose webhook has not got through.
   */
  events(
    range: EventRange,
  ): Promise<{ readonly items: ProviderEvent[]; readonly nextCursor: string | null }>;
  /** Checks the signature over the raw body and its age; `invalid-signature` when it is not right. */
  readWebhook(body: string, signature: string | undefined): ProviderEvent;
  /** Gives back sockets. */
  close(): void;
}

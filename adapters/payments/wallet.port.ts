import type { SetupStatus } from '#domain/payment.ts';

/** A payment method that a buyer keeps with the provider; we never see the number of a card. */
export type SavedMethod = {
  readonly paymentMethodId: string;
  /** `visa`, `mastercard`, … */
  readonly brand: string;
  readonly last4: string;
  readonly expMonth: number;
  readonly expYear: number;
  /** Epoch ms. */
  readonly createdAt: number;
};

/** The saving of a payment method, which the buyer's bank may want to be asked about. */
export type Setup = {
  readonly setupId: string;
  readonly status: SetupStatus;
  /** While the buyer's browser has something to do. */
  readonly clientSecret?: string;
  readonly nextActionUrl?: string;
  /** Why the bank refused. */
  readonly declineCode?: string;
  /** What was saved. */
  readonly paymentMethodId?: string;
};

export type NewSetup = {
  readonly customerId: string;
  readonly userId: string;
  /** The same key begins one saving, however often it is asked. */
  readonly key: string;
  /** A payment method made in the browser; without one the browser gives it with the secret. */
  readonly token?: string | undefined;
  readonly returnUrl: string;
};

/**
 * Buyers' payment methods, kept by the provider under a customer of each account. Errors as of
 * `PaymentProvider`.
 */
export interface Wallet {
  /** The customer of an account; asked again within a day, the same one. */
  createCustomer(userId: string): Promise<string>;
  /** Newest first, at most 100. */
  methods(customerId: string): Promise<SavedMethod[]>;
  /** Begins to save a payment method; `payment-method-invalid` for one that cannot be. */
  setUp(order: NewSetup): Promise<Setup>;
  /** `not-found` unless it is one of this customer's. */
  remove(customerId: string, paymentMethodId: string): Promise<void>;
}

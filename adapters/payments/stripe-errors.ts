import Stripe from 'stripe';
import type { ProviderIntent } from '#adapters/payments/port.ts';
import { UsherError } from '#domain/errors.ts';

const errors = Stripe.errors;

/** Codes of a 400 or 404 on confirm that speak of the payment method and not of the request. */
const methodCodes: ReadonlySet<string> = new Set([
  'payment_method_unactivated',
  'payment_method_unexpected_state',
  'payment_method_provider_decline',
  'payment_method_customer_decline',
  'payment_method_not_available',
  'payment_method_invalid_parameter',
  'payment_intent_incompatible_payment_method',
  'payment_intent_invalid_parameter',
]);

/** Nothing is known: the provider was silent, overloaded or failed. */
const isSilence = (error: unknown): boolean =>
  error instanceof errors.StripeConnectionError ||
  error instanceof errors.StripeAPIError ||
  error instanceof errors.StripeRateLimitError;

export const isCardError = (error: unknown): error is Stripe.errors.StripeCardError =>
  error instanceof errors.StripeCardError;

/** The intent with the reason why a card was declined, where it does not say so itself. */
export function declinedBy(refusal: unknown, intent: ProviderIntent): ProviderIntent {
  if (intent.declineCode !== undefined || !isCardError(refusal)) return intent;
  return { ...intent, declineCode: refusal.decline_code ?? refusal.code ?? 'card_declined' };
}

/** The intent or charge is past the step that was asked for: its present state is the answer. */
export const isPastThat = (error: unknown): boolean =>
  error instanceof errors.StripeInvalidRequestError &&
  (error.code === 'payment_intent_unexpected_state' ||
    error.code === 'charge_already_captured' ||
    error.code === 'charge_already_refunded' ||
    error.code === 'charge_expired_for_capture' ||
    error.code === 'capture_charge_authorization_expired');

/** The same request is still being worked on: it says nothing about the outcome. */
const isInUse = (error: unknown): boolean =>
  error instanceof errors.StripeIdempotencyError && error.code === 'idempotency_key_in_use';

/** A key that was used for a request with other parameters. */
export const isKeyTaken = (error: unknown): boolean =>
  error instanceof errors.StripeIdempotencyError && !isInUse(error);

export const isRefused = (error: unknown): boolean =>
  error instanceof errors.StripeInvalidRequestError || isCardError(error) || isKeyTaken(error);

/**
 * The provider keeps the answer to an idempotency key for a day, a 500 too. A replayed failure, or
 * one that comes with the advice not to repeat it, says that this key will never do better.
 */
export const isKeptFailure = (error: unknown): boolean =>
  error instanceof errors.StripeAPIError &&
  (error.headers?.['idempotent-replayed'] === 'true' ||
    error.headers?.['stripe-should-retry'] === 'false');

/** What the SDK repeats once by itself, whatever it is told. */
const closedCodes: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

const isClosed = ({ detail }: Stripe.errors.StripeConnectionError): boolean =>
  closedCodes.has((detail as { readonly code?: unknown } | undefined)?.code);

/**
 * Asked again under the same key, the provider may answer, and the SDK has not done so already.
 * (Its error of a 409 is the API's.)
 */
export const isUnsettled = (error: unknown): boolean => {
  if (isKeptFailure(error)) return false;
  if (error instanceof errors.StripeConnectionError) return !isClosed(error);
  return (
    error instanceof errors.StripeAPIError ||
    isInUse(error) ||
    (error instanceof errors.StripeError && error.headers?.['stripe-should-retry'] === 'true')
  );
};

/** The provider failed by itself, and is not at work on the request any more. */
export const isFailure = (error: unknown): boolean =>
  error instanceof errors.StripeAPIError && (error.statusCode ?? 0) >= 500;

/** The provider has spoken; everything else leaves open what became of the request. */
export const isAnswer = (error: unknown): boolean =>
  error instanceof errors.StripeError && !isSilence(error) && !isInUse(error);

/**
 * What an SDK error means to us. Silence, overload, a request that is still being worked on or was
 * made with other parameters, and a refused key of ours (401, 403: the state of the intent is as
 * unknown as before, and mending the configuration lets the flow go on) become
 * `payment-provider-unavailable`; what is wrong with the payment method `payment-method-invalid`.
 */
export function toUsherError(error: unknown): unknown {
  if (error instanceof UsherError || !(error instanceof errors.StripeError)) return error;
  const data = {
    provider: 'stripe',
    ...(error.requestId && { requestId: error.requestId }),
    ...(error.code && { providerCode: error.code }),
  };
  if (
    isSilence(error) ||
    error instanceof errors.StripeIdempotencyError ||
    error instanceof errors.StripeAuthenticationError ||
    error instanceof errors.StripePermissionError
  ) {
    return new UsherError('payment-provider-unavailable', error.message, data);
  }
  if (error.param === 'payment_method' || methodCodes.has(error.code ?? '')) {
    return new UsherError('payment-method-invalid', error.message, data);
  }
  if (error.code === 'resource_missing') return new UsherError('not-found', error.message, data);
  return new UsherError('state-forbids', error.message, data);
}

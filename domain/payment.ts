import { UsherError } from '#domain/errors.ts';
import { type Currency, type Money, money, stepOf } from '#domain/money.ts';

/** A payment intent's status, in the provider's own words. */
export const intentStatuses = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'requires_capture',
  'canceled',
  'succeeded',
] as const;
export type IntentStatus = (typeof intentStatuses)[number];

/** The status of a card that is being saved, in the provider's own words. */
export const setupStatuses = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'canceled',
  'succeeded',
] as const;
export type SetupStatus = (typeof setupStatuses)[number];

/** No request and no time changes such an intent's money any more, but for a refund. */
export const isFinalIntent = (status: IntentStatus): boolean =>
  status === 'canceled' || status === 'succeeded';

/**
 * Where the provider spells an amount otherwise than ISO 4217: the factor from ISO minor units to
 * its own (docs.stripe.com/currencies, "Zero-decimal currencies" and "Special cases"). ISK and UGX
 * have no minor unit but are written with two digits; MGA has one and is written without.
 */
const providerFactor: Readonly<Record<Currency, number>> = { ISK: 100, UGX: 100, MGA: 0.01 };

/**
 * The whole number that the provider is sent for an amount. Throws `state-forbids` for an amount
 * that it cannot express (a fraction of ten fils, a fifth of an ariary).
 */
export function toProviderAmount({ amount, currency }: Money): number {
  const converted = amount * (providerFactor[currency] ?? 1);
  if (!Number.isSafeInteger(converted) || amount % stepOf(currency) !== 0) {
    throw new UsherError('state-forbids', `${amount} ${currency} cannot be charged by card`);
  }
  return converted;
}

/**
 * The least that a card can be charged, minor units, where the provider has a minimum for the
 * currency (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
 */
const leastCharges: Readonly<Record<Currency, number>> = {
  AED: 200,
  AUD: 50,
  BGN: 100,
  BRL: 50,
  CAD: 50,
  CHF: 50,
  CZK: 1_500,
  DKK: 250,
  EUR: 50,
  GBP: 30,
  HKD: 400,
  HUF: 17_500,
  INR: 50,
  JPY: 50,
  MXN: 1_000,
  MYR: 200,
  NOK: 300,
  NZD: 50,
  PLN: 200,
  RON: 200,
  SEK: 300,
  SGD: 50,
  THB: 1_000,
  USD: 50,
};

export const leastCharge = (currency: Currency): number => leastCharges[currency] ?? 0;

/** The inverse of `toProviderAmount`; the provider spells currencies in small letters. */
export function fromProviderAmount(amount: number, currency: string): Money {
  const iso = currency.toUpperCase();
  return money(Math.round(amount / (providerFactor[iso] ?? 1)), iso);
}

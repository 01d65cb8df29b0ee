/** An amount of money: `amount` is an integer in the currency's minor unit (cents, yen, fils). */
export type Money = { readonly amount: number; readonly currency: Currency };

/** ISO 4217 code in capitals. */
export type Currency = string;

/** Number of digits behind the point of the currencies that do not have two (ISO 4217). */
const minorDigits: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
};

/** How many digits stand behind the point of this currency: 2 unless ISO 4217 says otherwise. */
const digitsOf = (currency: Currency): number => minorDigits[currency] ?? 2;

/** Three-digit currencies are charged by card in tens of their minor unit. */
const inTens: ReadonlySet<Currency> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/**
 * The least amount by which prices of this currency may differ, in minor units: 1 but where cards
 * cannot be charged that finely (a fil of Kuwait, a fifth of an ariary).
 */
export const stepOf = (currency: Currency): number => {
  if (currency === 'MGA') return 100;
  return inTens.has(currency) ? 10 : 1;
};

/** `amount × numerator ÷ denominator` to the nearest multiple of `step`, halves up. None below 0. */
export function roundedTo(
  step: number,
  amount: number,
  numerator: number,
  denominator: number,
): number {
  const product = 2 * amount * numerator;
  const unit = step * denominator;
  if (Number.isSafeInteger(product + unit)) return step * Math.floor((product + unit) / (2 * unit));
  const exact = 2n * BigInt(amount) * BigInt(numerator);
  return step * Number((exact + BigInt(unit)) / (2n * BigInt(unit)));
}

export const money = (amount: number, currency: Currency): Money => {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`${amount} is not a whole minor unit`);
  return { amount, currency };
};

/** `money(1234, 'EUR')` → `12.34 EUR`. */
export function format({ amount, currency }: Money): string {
  const digits = digitsOf(currency);
  return `${(amount / 10 ** digits).toFixed(digits)} ${currency}`;
}

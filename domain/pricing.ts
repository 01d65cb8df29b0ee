import { type Currency, roundedTo, stepOf } from '#domain/money.ts';
import type { PromoOff } from '#domain/promo.ts';

/** What an event charges besides the ticket: integers in minor units, rates in basis points. */
export type FeeRule = {
  readonly name: string;
  /** Per ticket, in minor units. */
  readonly perTicket: number;
  /** Of the ticket price, in basis points (250 = 2.5 %). */
  readonly basisPoints: number;
};

export type TaxRule = {
  readonly name: string;
  readonly basisPoints: number;
  /** True: the prices contain it already. False: it is added on top. */
  readonly included: boolean;
};

export type PriceTerms = {
  readonly currency: Currency;
  /** Ticket price by category name, in minor units. */
  readonly prices: Readonly<Record<string, number>>;
  readonly fees: readonly FeeRule[];
  readonly taxes: readonly TaxRule[];
};

export type QuoteLine = {
  readonly category: string;
  readonly quantity: number;
  /** Price of one ticket, minor units. */
  readonly unitAmount: number;
  readonly amount: number;
};

/**
 * What a promo code, or a package (`code` is its id), takes off the ticket prices, and by which rule.
 * Minor units.
 */
export type Discount = {
  readonly code: string;
  readonly off: PromoOff;
  /** Off in all, before taxes. */
  readonly amount: number;
  /** What of it is off the tickets of each category. */
  readonly lines: DiscountLines;
  /** What of all this a promo code took off the price of a package. */
  readonly promo?: Pick<Discount, 'code' | 'off' | 'amount' | 'lines'> | undefined;
};

export type DiscountLines = readonly { readonly category: string; readonly amount: number }[];

/** A frozen price: what the buyer was promised when the seats were held. All in minor units. */
export type Quote = {
  readonly currency: Currency;
  readonly lines: readonly QuoteLine[];
  readonly fees: number;
  /** All taxes, whether included in the lines or added. */
  readonly taxes: number;
  /** What is charged: lines − discount + fees + taxes that are not included. */
  readonly total: number;
  /** Of a promo code or package; lines are as without it, taxes and total with it. */
  readonly discount?: Discount | undefined;
};

const wholeRate = 10_000;

/** `amount × basisPoints / 10 000` in steps of the currency, halves up. */
const share = (amount: number, basisPoints: number, step: number): number =>
  roundedTo(step, amount, basisPoints, wholeRate);

/** What one ticket of this price costs in fees: every fee is rounded for itself. */
const feesOn = (price: number, fees: readonly FeeRule[], step: number): number =>
  fees.reduce((sum, fee) => sum + fee.perTicket + share(price, fee.basisPoints, step), 0);

/** The part of `amount` that is tax of a rate that is contained in it, with all contained rates. */
const contained = (amount: number, basisPoints: number, allIncluded: number): number =>
  roundedTo(1, amount, basisPoints, wholeRate + allIncluded);

/**
 * The price of `counts` tickets (number by category name). Lines stand in the order of the
 * category names. A fee is worked out per ticket and rounded per ticket and fee; a tax is worked
 * out once on lines and fees together and rounded per tax; halves go up. An included tax is the
 * part that lines and fees contain already, any other is added to the total. What is charged is
 * rounded to what the currency can be charged in (`stepOf`).
 * Throws RangeError for a category without a price.
 */
export function quoteFor(terms: PriceTerms, counts: Readonly<Record<string, number>>): Quote {
  const step = stepOf(terms.currency);
  const lines: QuoteLine[] = [];
  let tickets = 0;
  let fees = 0;
  for (const category of Object.keys(counts).sort()) {
    const unitAmount = terms.prices[category];
    if (unitAmount === undefined) throw new RangeError(`category ${category} has no price`);
    const quantity = counts[category] ?? 0;
    lines.push({ category, quantity, unitAmount, amount: unitAmount * quantity });
    tickets += unitAmount * quantity;
    fees += feesOn(unitAmount, terms.fees, step) * quantity;
  }
  const base = tickets + fees;
  const included = terms.taxes.filter((tax) => tax.included);
  const allIncluded = included.reduce((sum, tax) => sum + tax.basisPoints, 0);
  const inside = included.reduce(
    (sum, tax) => sum + contained(base, tax.basisPoints, allIncluded),
    0,
  );
  const added = terms.taxes
    .filter((tax) => !tax.included)
    .reduce((sum, tax) => sum + share(base, tax.basisPoints, step), 0);
  return { currency: terms.currency, lines, fees, taxes: inside + added, total: base + added };
}

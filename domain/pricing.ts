import type { Currency } from '#domain/money.ts';

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

/** A frozen price: what the buyer was promised when the seats were held. All in minor units. */
export type Quote = {
  readonly currency: Currency;
  readonly lines: readonly QuoteLine[];
  readonly fees: number;
  /** All taxes, whether included in the lines or added. */
  readonly taxes: number;
  /** What is charged: lines + fees + taxes that are not included. */
  readonly total: number;
};

import type { DunningRules } from '#domain/instalment-plan.ts';
import type { Quote } from '#domain/pricing.ts';

/**
 * How a booking's total is paid; `quote.total` is the total after a promo code. The parts add up to
 * it: what a voucher pays, what is paid at the box office, and the rest by card. Amounts are minor
 * units of the quote's currency. Absent: all of it by card, at once.
 */
export type Bill = {
  /** `cash`: taken at the box office; `complimentary`: nothing is due. */
  readonly by: 'card' | 'cash' | 'complimentary';
  /** Who sold it at the box office. */
  readonly counter?: Counter;
  /** The promo code that reduced the quote. */
  readonly promo?: {
    readonly promoId: string;
    readonly code: string;
    /** So many of its tickets must stay for its discount to stay; absent: any number. */
    readonly ticketsMin?: number;
    /** Whose use of it this counts as; absent: the buyer's. */
    readonly usedBy?: string;
  };
  /** What a gift voucher pays, set aside on it while the booking is under way. */
  readonly voucher?: { readonly voucherId: string; readonly amount: number };
  /** What the card pays, in parts; the first is due at once. They add up to `cardTotal`. */
  readonly instalments?: readonly Instalment[];
  /** What the buyer was promised about the instalments. */
  readonly plan?: { readonly planId: string } & DunningRules;
};

/** A sale at the box office. */
export type Counter = {
  /** The staff member's account. */
  readonly staffId: string;
  /** Why nothing is due, for `complimentary`. */
  readonly reason?: string;
  /** What the tickets would have cost, for `complimentary`; minor units. */
  readonly faceValue?: number;
  readonly note?: string;
};

export type Instalment = {
  readonly no: number;
  /** Minor units. */
  readonly amount: number;
  /** Epoch ms. */
  readonly dueAt: number;
};

type Billed = { readonly quote: Quote; readonly bill?: Bill | undefined };
type Sold = Billed & { readonly saleWritten: boolean };

/** What cards are charged in all. */
export const cardTotal = ({ quote, bill }: Billed): number =>
  bill !== undefined && bill.by !== 'card' ? 0 : quote.total - (bill?.voucher?.amount ?? 0);

/** What was paid at the box office once the sale is written. */
export const cashPaid = ({ quote, bill, saleWritten }: Sold): number =>
  saleWritten && bill?.by === 'cash' ? quote.total - (bill.voucher?.amount ?? 0) : 0;

/** What the gift voucher has paid once the sale is written; before that it is only set aside. */
export const voucherPaid = ({ bill, saleWritten }: Sold): number =>
  saleWritten ? (bill?.voucher?.amount ?? 0) : 0;

/** What a checkout's payment authorises: the first instalment, or all that cards pay. */
export const chargeNow = (billed: Billed): number =>
  billed.bill?.instalments?.[0]?.amount ?? cardTotal(billed);

/** What the intent of this attempt is for. */
export const amountOf = (billed: Billed, attempt: { readonly amount?: number | undefined }) =>
  attempt.amount ?? chargeNow(billed);

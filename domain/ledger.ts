import type { Currency } from '#domain/money.ts';

/**
 * Double entry, integer minor units. `buyer`: what the buyer owes us for tickets; `provider`: money
 * at the payment provider; `organizer`, `fees`, `taxes`: whom the price belongs to; `owed`: what we
 * have to return to the buyer; `till`: cash at the box offices; `vouchers`: what gift vouchers are still
 * worth, owed to whoever holds them.
 */
export const accounts = [
  'buyer',
  'provider',
  'till',
  'vouchers',
  'organizer',
  'fees',
  'taxes',
  'owed',
] as const;
export type Account = (typeof accounts)[number];

/** Moves `amount` (above 0) from the credited to the debited account: it cannot be unbalanced. */
export type Posting = {
  readonly debit: Account;
  readonly credit: Account;
  readonly amount: number;
};

/**
 * The postings of one business event; `id` makes sure that it is booked once. The issue of a gift
 * voucher belongs to no event and no booking: it names its organizer and its voucher there.
 */
export type LedgerEntry = {
  readonly id: string;
  readonly eventId: string;
  readonly bookingId: string;
  readonly kind:
    | 'sale'
    | 'cash'
    | 'reversal'
    | 'refund'
    | 'stray-cash'
    | 'goodwill'
    | 'dispute'
    | 'voucher'
    | 'voucher-refund'
    | 'voucher-issue';
  readonly currency: Currency;
  readonly postings: readonly Posting[];
  /** Who did it, where that is not the one who always does: box office, support. */
  readonly by?: string | undefined;
  /** What that person wrote down. */
  readonly note?: string | undefined;
  /** Epoch ms. */
  readonly at: number;
};

/** How the price of tickets divides; the three add up to what is charged. */
export type Shares = {
  readonly organizer: number;
  readonly fees: number;
  readonly taxes: number;
};

const parts = ['organizer', 'fees', 'taxes'] as const;

const posting = (debit: Account, credit: Account, amount: number): readonly Posting[] => {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`${amount} is not a whole minor unit`);
  if (amount === 0) return [];
  // A negative share (a discount larger than its part) is the same posting the other way round.
  return amount > 0
    ? [{ debit, credit, amount }]
    : [{ debit: credit, credit: debit, amount: -amount }];
};

/** Tickets change hands: the buyer owes their price. */
export const salePostings = (shares: Shares): readonly Posting[] =>
  parts.flatMap((part) => posting('buyer', part, shares[part]));

/** The capture has settled: the provider has what the buyer owed. */
export const cashPostings = (amount: number): readonly Posting[] =>
  posting('provider', 'buyer', amount);

/** Cash was taken at the box office. */
export const tillPostings = (amount: number): readonly Posting[] =>
  posting('till', 'buyer', amount);

/** Cash was given back there. */
export const payOutPostings = (amount: number): readonly Posting[] =>
  posting('owed', 'till', amount);

/** Money that came in without a sale is owed back at once. */
export const strayCashPostings = (amount: number): readonly Posting[] =>
  posting('provider', 'owed', amount);

/** Tickets become void: against `owed` when they were paid for, else the buyer owes no more. */
export const reversalPostings = (shares: Shares, paid: boolean): readonly Posting[] =>
  parts.flatMap((part) => posting(part, paid ? 'owed' : 'buyer', shares[part]));

/** What is taken off what tickets return; minor units. */
export type Deductions = {
  /** Given before as goodwill, by who bore it. */
  readonly organizer: number;
  readonly platform: number;
  /** Never paid by the buyer. */
  readonly unpaid: number;
  /** Discount that tickets which stay have lost; below 0: given back. */
  readonly discount: number;
};

/** Tickets become void and `shares` of their price go back, less the deductions. */
export const withdrawalPostings = (shares: Shares, less: Deductions): readonly Posting[] => [
  ...reversalPostings(shares, true),
  ...posting('owed', 'organizer', less.organizer),
  ...posting('owed', 'fees', less.platform),
  ...posting('owed', 'buyer', less.unpaid),
  ...posting('owed', 'organizer', less.discount),
];

/** Money is given beside any ticket; the platform bears it out of its fees. */
export const goodwillPostings = (
  bornBy: 'organizer' | 'platform',
  amount: number,
): readonly Posting[] => posting(bornBy === 'platform' ? 'fees' : 'organizer', 'owed', amount);

/** The provider has returned the money. */
export const refundPostings = (amount: number): readonly Posting[] =>
  posting('owed', 'provider', amount);

/**
 * The provider has paid `taken` to the buyer's bank: the tickets' shares are reversed, and what they
 * do not make up is the organizer's loss (or gain).
 */
export const disputePostings = (shares: Shares, taken: number): readonly Posting[] => [
  ...reversalPostings(shares, true),
  ...posting('organizer', 'owed', taken - shares.organizer - shares.fees - shares.taxes),
  ...refundPostings(taken),
];

/** What a buyer would still have paid is the organizer's loss. */
export const lossPostings = (amount: number): readonly Posting[] =>
  posting('organizer', 'buyer', amount);

/** An organizer issues a gift voucher: what it is worth is owed to whoever holds it. */
export const voucherIssuePostings = (amount: number): readonly Posting[] =>
  posting('organizer', 'vouchers', amount);

/** A gift voucher pays what the buyer owes. */
export const voucherPostings = (amount: number): readonly Posting[] =>
  posting('vouchers', 'buyer', amount);

/** What is owed to the buyer is on the voucher again. */
export const voucherRefundPostings = (amount: number): readonly Posting[] =>
  posting('owed', 'vouchers', amount);

export type Balances = Readonly<Record<Account, number>>;

/** Debits minus credits by account; they always add up to 0. */
export function balancesOf(entries: Iterable<Pick<LedgerEntry, 'postings'>>): Balances {
  const sums = Object.fromEntries(accounts.map((account) => [account, 0])) as Record<
    Account,
    number
  >;
  for (const { postings } of entries) {
    for (const { debit, credit, amount } of postings) {
      sums[debit] += amount;
      sums[credit] -= amount;
    }
  }
  return sums;
}

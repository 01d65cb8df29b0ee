import { type LedgerEntry, refundPostings, strayCashPostings } from '#domain/ledger.ts';
import type { Currency } from '#domain/money.ts';
import type { ListedIntent } from '#domain/settlement.ts';

/** A payment whose metadata names a booking of an event of ours that does not exist. */
export type StrayPayment = {
  readonly bookingId: string;
  readonly eventId: string;
  readonly currency: Currency;
  readonly intent: ListedIntent;
};

/** Ledger ids of a stray payment stand under the booking that it names. */
export const strayPrefix = (bookingId: string, intentId: string): string =>
  `${bookingId}:stray-${intentId}`;

/** The key under which the provider returns a stray payment once. */
export const strayRefundKey = (intentId: string): string => `stray-${intentId}`;

/** What came in, and each refund that was carried out; each under an id that books it once. */
export function strayEntries(stray: StrayPayment, now: number): readonly LedgerEntry[] {
  const { bookingId, eventId, currency, intent } = stray;
  const prefix = strayPrefix(bookingId, intent.intentId);
  const base = { eventId, bookingId, currency, at: now };
  if (intent.captured === 0) return [];
  const cash = strayCashPostings(intent.captured);
  const refunds = intent.refunds
    .filter(({ status, amount }) => status === 'succeeded' && amount > 0)
    .map(({ refundId, amount }): LedgerEntry => {
      return {
        ...base,
        id: `${prefix}:${refundId}`,
        kind: 'refund',
        postings: refundPostings(amount),
      };
    });
  return [{ ...base, id: prefix, kind: 'stray-cash', postings: cash }, ...refunds];
}

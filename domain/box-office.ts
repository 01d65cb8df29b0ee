import { createHash } from 'node:crypto';
import { normalizeEmail } from '#domain/account.ts';
import { type Counter, cashPaid } from '#domain/bill.ts';
import {
  awaitsPayOut,
  type Booking,
  type Contact,
  type EventInfo,
  moved,
  type Return,
} from '#domain/booking.ts';
import { messageOf } from '#domain/booking-messages.ts';
import {
  type BookingTerms,
  type Change,
  change,
  ledgerEntry,
  openBooking,
} from '#domain/booking-moves.ts';
import { checkoutPrice, type Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { payOutPostings } from '#domain/ledger.ts';
import type { Quote } from '#domain/pricing.ts';

/** What stands for the holder of an address in the counting of promo codes. */
const addressPrefix = 'mail_';

/**
 * Whose use of a promo code a sale at the counter counts as: the account of the buyer's address,
 * else the address, by its hash. Undefined: nobody knows who buys.
 */
export function counterUserOf(email: string | undefined, userId: string | null) {
  if (email === undefined) return undefined;
  const hash = createHash('sha256')
    .update(`address ${normalizeEmail(email)}`)
    .digest('hex');
  return userId ?? `${addressPrefix}${hash}`;
}

/**
 * What a hold costs at the counter with the buyer's codes; what a voucher leaves is paid in cash.
 * `usedBy` is whose use of the code it is. Throws what `checkoutPrice` does, and
 * `promo-code-not-applicable` for a code with a limit per buyer where nobody knows who buys.
 */
export function counterPrice(
  hold: HoldView,
  offers: Offers,
  usedBy: string | undefined,
  now: number,
): BookingTerms {
  const terms = checkoutPrice(hold, offers, now, 'cash');
  const promo = terms.bill?.promo;
  if (terms.bill === undefined || promo === undefined) return terms;
  if (usedBy !== undefined) {
    return { ...terms, bill: { ...terms.bill, promo: { ...promo, usedBy } } };
  }
  const perBuyerMax = offers.promo?.rule.perBuyerMax ?? null;
  if (perBuyerMax === null) return terms;
  const why = 'This code has a limit for each buyer: ask for an e-mail address';
  throw new UsherError('promo-code-not-applicable', why, { perBuyerMax });
}

/** What a staff member sells over the counter. */
export type CounterSale = {
  /** Names the request. */
  readonly key: string;
  readonly by: 'cash' | 'complimentary';
  readonly staffId: string;
  /** Required when nothing is to be paid. */
  readonly reason?: string | undefined;
  readonly note?: string | undefined;
  readonly contact: Contact;
};

/** The same tickets for nothing: no price, no fees, no taxes. */
const complimentary = (quote: Quote): Quote => ({
  ...quote,
  lines: quote.lines.map((line) => ({ ...line, unitAmount: 0, amount: 0 })),
  fees: 0,
  taxes: 0,
  total: 0,
});

/**
 * The booking of a sale at the box office: its flow sells without a card. Cash, and what a voucher
 * pays, is booked with the tickets, in one transaction. `terms`: the price with the buyer's codes.
 */
export function counterBooking(
  bookingId: string,
  hold: HoldView,
  sale: CounterSale,
  event: EventInfo | undefined,
  now: number,
  terms: BookingTerms = hold,
): Booking {
  const { key, by, staffId, reason, note, contact } = sale;
  const wish = { key, equalSeats: false, attendees: [] };
  const free = by === 'complimentary';
  const counter: Counter = {
    staffId,
    ...(free && reason !== undefined ? { reason, faceValue: hold.quote.total } : {}),
    ...(note === undefined ? {} : { note }),
  };
  return {
    ...openBooking(bookingId, hold, wish, event, now, terms),
    quote: free ? complimentary(hold.quote) : terms.quote,
    bill: { ...(free ? {} : terms.bill), by, counter },
    contact,
    attempts: [{ no: 1, key, state: 'unused' }],
  };
}

type Cash = Pick<Booking, 'quote' | 'bill' | 'returns' | 'saleWritten'>;

/** What of this booking's cash is in the organizer's tills: taken − paid out, minor units. */
export const cashHeld = (b: Cash | undefined): number =>
  b?.saleWritten === true
    ? cashPaid(b) -
      b.returns
        .filter((r) => r.to === 'cash' && r.refund === 'succeeded')
        .reduce((sum, r) => sum + r.amount, 0)
    : 0;

/** The change as the act of a staff member, in the ledger and in the audit log. */
export const actedBy = (so: Change, staffId: string): Change => ({
  ...so,
  entries: so.entries.map((entry) => ({ ...entry, by: staffId })),
  messages: so.messages.map((m) => ({ ...m, data: { ...m.data, by: staffId } })),
});

/**
 * The buyer has the cash of this return back. Undefined: it was paid out before. Throws `not-found`
 * (no such return) or `state-forbids` (it does not go back in cash).
 */
export function paidOut(b: Booking, no: number, staffId: string, now: number): Change | undefined {
  const entry = b.returns.find((r) => r.no === no);
  if (entry === undefined) throw new UsherError('not-found', `There is no refund ${no}`);
  if (entry.to === 'cash' && entry.refund === 'succeeded') return undefined;
  if (!awaitsPayOut(entry)) {
    throw new UsherError('state-forbids', 'This refund does not go back in cash');
  }
  const patch = { refund: 'succeeded', paidOutBy: staffId } as const;
  const returns = b.returns.map((r): Return => (r.no === no ? { ...r, ...patch } : r));
  const whole = b.status === 'cancelled' && b.step === 'done' && !returns.some(isUnpaid);
  const next = moved(b, { returns, tries: b.tries, ...(whole ? { status: 'refunded' } : {}) }, now);
  const part = `refunded-${no}`;
  const posted = ledgerEntry(b, 'refund', part, payOutPostings(entry.amount), now);
  const message = messageOf(b, 'booking-refunded', part, entry.amount, seatsOf(b, entry));
  return actedBy(change(b, next, { entries: posted, messages: [message], wait: true }), staffId);
}

const isUnpaid = ({ refund }: Return): boolean => refund === 'pending' || refund === 'failed';

const seatsOf = (b: Booking, { seats }: Return) =>
  seats === 'all' ? b.seats : b.seats.filter(({ id }) => seats.includes(id));

import { amountOf, type Bill, cardTotal, cashPaid, voucherPaid } from '#domain/bill.ts';
import {
  type Attempt,
  type Booking,
  type EventInfo,
  initialStatus,
  lastAttempt,
  moved,
  type Patch,
  type Return,
  withAttempt,
} from '#domain/booking.ts';
import { type Message, messageOf } from '#domain/booking-messages.ts';
import { type Claim, releaseClaims } from '#domain/claims.ts';
import { restOf } from '#domain/instalments.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import {
  cashPostings,
  type LedgerEntry,
  type Posting,
  salePostings,
  tillPostings,
  voucherPostings,
} from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import type { IntentStatus } from '#domain/payment.ts';
import type { Quote } from '#domain/pricing.ts';
import { issueTickets, type Sale, sumOf, type Ticket } from '#domain/ticket.ts';

/**
 * One step forward: the booking as it becomes, and everything that becomes true with it, in one
 * transaction that compares `expected` with the stored version.
 */
export type Change = {
  readonly expected: number;
  readonly booking: Booking;
  readonly issued: readonly Ticket[];
  /** Tickets that become cancelled and inactive. */
  readonly voided: readonly string[];
  /** Tickets that are frozen while they are valid, or made valid while they are frozen. */
  readonly marked: readonly TicketMark[];
  readonly entries: readonly LedgerEntry[];
  readonly messages: readonly Message[];
  /** What goes back to the promo code and the voucher. */
  readonly claims: readonly Claim[];
  /** True: nothing more can be done before `booking.dueAt`. */
  readonly wait: boolean;
  /** True: the step done again finds the same, so the next step's write may carry it. */
  readonly light: boolean;
};

export type TicketMark = {
  readonly ticketIds: readonly string[];
  readonly status: 'valid' | 'frozen';
};

type Effects = Partial<Omit<Change, 'expected' | 'booking'>>;

export const change = (b: Booking, next: Booking, effects: Effects = {}): Change => ({
  expected: b.version,
  booking: next,
  issued: [],
  voided: [],
  marked: [],
  entries: [],
  messages: [],
  claims: [],
  wait: next.step === 'done',
  light: false,
  ...effects,
});

/** What the provider says of an intent. */
export type IntentNews = {
  readonly status: IntentStatus;
  readonly clientSecret?: string | undefined;
  readonly nextActionUrl?: string | undefined;
  readonly declineCode?: string | undefined;
  readonly paymentMethod?: string | undefined;
};

export const soon = (now: number): number => now + limits.stepRetryMs;

/** `soon`, or the time the booking has anyway while it is long enough: an index less to write. */
const stillDue = ({ dueAt = 0 }: Booking, now: number): number =>
  dueAt >= now + limits.stepLeaseMinMs && dueAt <= soon(now) ? dueAt : soon(now);

/** When to look again after `tries` looks without an end: doubling, bounded. */
export const backoff = (tries: number, now: number): number =>
  now + Math.min(limits.stepBackoffMinMs * 2 ** Math.min(tries, 10), limits.stepBackoffMaxMs);

/** Looked at again later (not after `atMost`): the outcome is unknown or not settled yet. */
export const again = (
  b: Booking,
  now: number,
  patch: Patch = {},
  atMost = Number.POSITIVE_INFINITY,
): Change => {
  const dueAt = Math.min(backoff(b.tries, now), Math.max(atMost, now));
  return change(b, moved(b, { ...patch, tries: b.tries + 1, dueAt }, now), { wait: true });
};

export const ledgerEntry = (
  b: Booking,
  kind: LedgerEntry['kind'],
  part: string,
  postings: readonly Posting[],
  at: number,
  by?: string,
): readonly LedgerEntry[] =>
  postings.length === 0
    ? []
    : [
        {
          id: `${b.bookingId}:${part}`,
          eventId: b.eventId,
          bookingId: b.bookingId,
          kind,
          currency: b.quote.currency,
          postings,
          ...(by === undefined ? {} : { by }),
          at,
        },
      ];

/** What a checkout asks for; `token` or `byBrowser` is needed unless nothing is left for a card. */
export type CheckoutWish = {
  readonly key: string;
  readonly asked?: string | undefined;
} & Pick<Attempt, 'token' | 'byBrowser' | 'save' | 'saved'> & {
    readonly equalSeats: boolean;
    readonly attendees: readonly string[];
    readonly promoCode?: string | undefined;
    /** Code of a gift voucher. */
    readonly voucher?: string | undefined;
  };

const attemptOf = (no: number, wish: CheckoutWish, total: number): Attempt =>
  total === 0
    ? { no, ...askedBy(wish), state: 'unused' }
    : { no, ...askedBy(wish), ...payingOf(wish), state: 'new' };

const askedBy = ({ key, asked }: CheckoutWish) => ({ key, ...(asked && { asked }) });

const payingOf = ({ token, byBrowser, save, saved }: CheckoutWish) => ({
  token,
  ...(byBrowser && { byBrowser }),
  ...(save && { save }),
  ...(saved && { saved }),
});

/** What a checkout makes of a hold's price; absent: the hold's own quote, by card at once. */
export type BookingTerms = { readonly quote: Quote; readonly bill?: Bill | undefined };

/** The booking of a live hold, as its first checkout writes it. */
export function openBooking(
  bookingId: string,
  hold: HoldView,
  wish: CheckoutWish,
  event: EventInfo | undefined,
  now: number,
  { quote, bill }: BookingTerms = hold,
): Booking {
  return {
    bookingId,
    eventId: hold.eventId,
    reservationId: hold.holdId,
    buyerId: hold.buyerId,
    status: initialStatus,
    step: 'pin',
    version: 1,
    dueAt: soon(now),
    tries: 0,
    cancelRequested: false,
    equalSeats: wish.equalSeats,
    attendees: wish.attendees,
    seats: hold.seats,
    quote,
    ...(bill === undefined ? {} : { bill }),
    holdDeadline: hold.deadline,
    attempts: [attemptOf(1, wish, cardTotal({ quote, bill }))],
    returns: [],
    saleWritten: false,
    event,
    createdAt: now,
    updatedAt: now,
  };
}

/**
 * Its last attempt may be asked of the provider at once: pin and authorisation then need one write.
 * (Should the booking end before that, closing the attempt makes the intent to be sure of it.)
 */
export const opening = (b: Booking): Booking =>
  lastAttempt(b)?.state === 'new' ? { ...b, attempts: withAttempt(b, { state: 'opening' }) } : b;

/** Another attempt of a declined booking whose last intent is final. */
export function retried(b: Booking, wish: CheckoutWish, now: number): Change {
  const attempt = attemptOf(b.attempts.length + 1, wish, cardTotal(b));
  const patch = { equalSeats: wish.equalSeats, attendees: wish.attendees, dueAt: soon(now) };
  const attempts = [...b.attempts, attempt];
  return change(b, moved(b, { status: 'pending', step: 'pin', ...patch, attempts }, now));
}

/** The hold is kept until `deadline`; what costs nothing is sold without a payment. */
export function pinned(b: Booking, deadline: number, now: number): Change {
  const patch = { holdDeadline: deadline, dueAt: stillDue(b, now) };
  if (cardTotal(b) === 0) {
    return change(b, moved(b, { ...patch, status: 'selling', step: 'sell' }, now));
  }
  const light = lastAttempt(b)?.state === 'opening';
  const { attempts } = opening(b);
  return change(b, moved(b, { ...patch, step: 'authorise', attempts }, now), { light });
}

/** The running attempt's intent is known. */
export const withIntent = (b: Booking, intentId: string): Booking => ({
  ...b,
  attempts: withAttempt(b, { state: 'open', intentId }),
});

/** The attempt's intent exists, and the payments have noted it under the attempt. */
export const intentOpened = (b: Booking, intentId: string, now: number): Change =>
  change(b, moved(withIntent(b, intentId), { dueAt: stillDue(b, now) }, now), { light: true });

/** A booking that ends without a sale gives its hold back and closes its intents. */
export function ended(
  b: Booking,
  status: 'expired' | 'cancelled',
  reason: string,
  now: number,
  key?: string,
): Change {
  const attempts = b.attempts.map(
    (a): Attempt => (a.state === 'new' ? { ...a, state: 'unused', token: undefined } : a),
  );
  const returns = [...b.returns, { ...returnOf(b), key, seats: 'all' as const }];
  const next = { status, reason, step: 'settle' as const, attempts, returns };
  const claims = releaseClaims(b);
  return change(b, moved(b, { ...next, dueAt: soon(now) }, now), { claims });
}

/** The next return of a booking: nothing in it yet. */
export const returnOf = (b: Booking): Return => ({
  no: b.returns.length + 1,
  tickets: [],
  seats: [],
  block: false,
  seatsReturned: false,
  amount: 0,
  refund: 'none',
  refundsFailed: 0,
});

/** Its intent was confirmed by us: asked again under the same key, the answer is the same. */
const isOurs = (b: Booking): boolean =>
  b.step === 'authorise' && lastAttempt(b)?.token !== undefined;

/** The browser has the secret of an intent: it may try one card after the other. */
const browserActs = (b: Booking): boolean => {
  const attempt = lastAttempt(b);
  return attempt?.byBrowser === true && attempt.intentId !== undefined;
};

/** What follows from the state of the running attempt's intent once it was confirmed. */
export function intentSeen(b: Booking, news: IntentNews, now: number): Change {
  const over = now >= b.holdDeadline;
  const attempts = withAttempt(b, {
    intentStatus: news.status,
    clientSecret: news.clientSecret,
    nextActionUrl: news.nextActionUrl,
    declineCode: news.declineCode,
    methodId: news.paymentMethod,
  });
  const seen = { ...b, attempts };
  switch (news.status) {
    case 'requires_capture':
    case 'succeeded':
      return change(
        b,
        moved(seen, { status: 'selling', step: 'sell', dueAt: stillDue(b, now) }, now),
        { light: isOurs(b) },
      );
    case 'requires_action':
    case 'processing': {
      if (over) return ended(seen, 'expired', 'payment-not-completed', now);
      const status = news.status === 'processing' ? 'pending' : 'requires_action';
      return again(seen, now, { status, step: 'await' }, b.holdDeadline);
    }
    case 'requires_confirmation': {
      if (over) return ended(seen, 'expired', 'payment-not-completed', now);
      return again(seen, now, { status: 'pending', step: 'authorise' }, b.holdDeadline);
    }
    case 'requires_payment_method': {
      if (!browserActs(b)) {
        return change(b, moved(seen, { step: 'decline', dueAt: soon(now) }, now));
      }
      if (over) return ended(seen, 'expired', 'payment-not-completed', now);
      const next = { status: 'requires_action', step: 'await' } as const;
      return again(seen, now, next, b.holdDeadline);
    }
    case 'canceled':
      return declined(seen, now);
  }
}

/** The last intent is closed: the hold stays for another attempt until its deadline. */
export function declined(b: Booking, now: number): Change {
  const attempts = withAttempt(b, {
    state: 'canceled',
    token: undefined,
    intentStatus: 'canceled',
  });
  const closed = { ...b, attempts };
  if (now >= b.holdDeadline) return ended(closed, 'expired', 'reservation-expired', now);
  const next = { status: 'declined', step: 'rest', dueAt: b.holdDeadline } as const;
  return change(b, moved(closed, next, now), { wait: true });
}

/**
 * The confirmation: one ticket a seat and the sale in the ledger; charged (if at all) after it. A
 * sale never changes the price: the booking's quote stands.
 */
export function sold(
  b: Booking,
  sale: Pick<Sale, 'seats' | 'places' | 'ticketIds'>,
  now: number,
): Change {
  const issued = issueTickets({ ...b, ...sale, quote: b.quote });
  const written = { ...b, seats: sale.seats, saleWritten: true };
  const by = b.bill?.counter?.staffId;
  const entries = [
    ...ledgerEntry(b, 'sale', 'sale', salePostings(sumOf(issued).shares), now, by),
    ...ledgerEntry(b, 'cash', 'till', tillPostings(cashPaid(written)), now, by),
  ];
  if (cardTotal(written) === 0) {
    const paid = [...entries, ...voucherEntry(written, now, by)];
    return change(b, confirmed(written, now), withMail(b, { issued, entries: paid }));
  }
  const next = moved(written, { step: 'capture', dueAt: stillDue(b, now) }, now);
  return change(b, next, { issued, entries });
}

/** The voucher's part is spent for good with the confirmation. */
const voucherEntry = (b: Booking, now: number, by?: string): readonly LedgerEntry[] =>
  ledgerEntry(b, 'voucher', 'voucher', voucherPostings(voucherPaid(b)), now, by);

const confirmed = (b: Booking, now: number): Booking =>
  moved(
    b,
    {
      status: 'confirmed',
      ...(b.cancelRequested
        ? { step: 'cancel', dueAt: soon(now) }
        : restOf({ ...b, status: 'confirmed' })),
    },
    now,
  );

const paidNow = (b: Booking): number => b.bill?.instalments?.[0]?.amount ?? b.quote.total;

/** Mail goes out with the confirmation, unless the buyer has asked for the cancellation already. */
const withMail = (b: Booking, effects: Effects): Effects =>
  b.cancelRequested
    ? effects
    : { ...effects, messages: [messageOf(b, 'booking-confirmed', 'confirmed', paidNow(b))] };

/** The capture has settled: the sale stands. */
export function captured(b: Booking, now: number): Change {
  const attempts = withAttempt(b, {
    state: 'captured',
    token: undefined,
    intentStatus: 'succeeded',
    clientSecret: undefined,
    nextActionUrl: undefined,
  });
  const amount = amountOf(b, lastAttempt(b) ?? {});
  const cash = ledgerEntry(b, 'cash', 'cash', cashPostings(amount), now);
  const entries = [...cash, ...voucherEntry(b, now)];
  return change(b, confirmed({ ...b, attempts }, now), withMail(b, { entries }));
}

/** One reminder for each date that the event was given. */
const reminderOf = ({ postponed }: Booking): string =>
  postponed === undefined ? 'reminder' : `reminder-${postponed.no}`;

/** The reminder is written beside the mark that it was. */
export const reminded = (b: Booking, now: number): Change =>
  change(b, moved(b, { reminded: true, tries: b.tries }, now), {
    messages: [messageOf(b, 'booking-reminder', reminderOf(b), b.quote.total)],
  });

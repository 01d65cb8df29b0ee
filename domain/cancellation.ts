import { amountOf } from '#domain/bill.ts';
import {
  type Attempt,
  awaitsPayOut,
  type Booking,
  type BookingStatus,
  isSettled,
  lastAttempt,
  moved,
  type Return,
  withAttempt,
} from '#domain/booking.ts';
import { messageOf } from '#domain/booking-messages.ts';
import {
  again,
  type Change,
  change,
  ended,
  ledgerEntry,
  returnOf,
  soon,
} from '#domain/booking-moves.ts';
import { releaseClaims } from '#domain/claims.ts';
import type { SeatRef } from '#domain/inventory/commands.ts';
import {
  refundPostings,
  reversalPostings,
  strayCashPostings,
  voucherRefundPostings,
} from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { refundReturns } from '#domain/refund-parts.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** What a buyer's wish to cancel comes to. */
export type Cancellation =
  /** Recorded; the flow does it as soon as the payment is settled. */
  | { readonly kind: 'requested'; readonly change: Change | undefined }
  | { readonly kind: 'done'; readonly change: Change; readonly amount: number }
  | { readonly kind: 'refused'; readonly why: string };

const refused = (why: string): Cancellation => ({ kind: 'refused', why });

export type CancelWish = {
  /** Absent: all tickets that are valid. */
  readonly ticketIds?: readonly string[] | undefined;
  /** Names the request: `givenBy` finds what it did. */
  readonly key?: string | undefined;
};

/**
 * Decides a cancellation by the buyer. While a payment runs only the whole booking can be
 * cancelled, and only after it has settled.
 */
export function cancel(
  b: Booking,
  tickets: readonly Ticket[],
  wish: CancelWish,
  now: number,
): Cancellation {
  const { ticketIds, key } = wish;
  switch (b.status) {
    case 'pending':
    case 'requires_action':
    case 'selling': {
      if (ticketIds !== undefined) return refused('Its payment is still running');
      if (b.cancelRequested) return { kind: 'requested', change: undefined };
      const next = moved(b, { cancelRequested: true, tries: b.tries, dueAt: now }, now);
      return { kind: 'requested', change: change(b, next) };
    }
    case 'declined': {
      if (ticketIds !== undefined) return refused('It has no tickets');
      const change = ended(b, 'cancelled', 'cancelled-by-buyer', now, key);
      return { kind: 'done', change, amount: 0 };
    }
    case 'confirmed':
    case 'partially_refunded':
      return cancelTickets(b, tickets, wish, now);
    case 'expired':
    case 'cancelled':
    case 'refunded':
      return refused(`It is ${b.status}`);
  }
}

function cancelTickets(
  b: Booking,
  tickets: readonly Ticket[],
  { ticketIds, key }: CancelWish,
  now: number,
): Cancellation {
  const valid = tickets.filter((t) => t.status === 'valid');
  if (tickets.some((t) => t.status === 'frozen')) return refused('Its payment is disputed');
  if (tickets.some((t) => t.status === 'used') && ticketIds === undefined) {
    return refused('Some of its tickets have been used');
  }
  const chosen =
    ticketIds === undefined ? valid : valid.filter((t) => ticketIds.includes(t.ticketId));
  if (chosen.length === 0 || (ticketIds !== undefined && chosen.length < new Set(ticketIds).size)) {
    return refused('Some of these tickets are not valid tickets of this booking');
  }
  const rest = tickets.filter((t) => t.active).length - chosen.length;
  const next = withdrawn(b, chosen, rest > 0 ? 'partially_refunded' : 'cancelled', now, key);
  return { kind: 'done', change: next, amount: sumOf(chosen).paid };
}

/** Tickets become void with their sale reversed; seats and money follow in `settle`. */
export function withdrawn(
  b: Booking,
  tickets: readonly Ticket[],
  status: 'partially_refunded' | 'cancelled',
  now: number,
  key?: string,
): Change {
  const { paid, shares } = sumOf(tickets);
  const seats = tickets.map((t) => t.seat);
  const entry: Return = {
    ...returnOf(b),
    key,
    tickets: tickets.map((t) => t.ticketId),
    seats: seats.map((seat) => seat.id),
  };
  const part = `cancelled-${entry.no}`;
  const next = moved(
    b,
    {
      status,
      ...(status === 'cancelled' ? { reason: 'cancelled-by-buyer' } : {}),
      step: 'settle',
      dueAt: soon(now),
      returns: [...b.returns, ...refundReturns(b, entry, paid)],
    },
    now,
  );
  return change(b, next, {
    voided: entry.tickets,
    entries: ledgerEntry(b, 'reversal', part, reversalPostings(shares, true), now),
    messages: [messageOf(b, 'booking-cancelled', part, paid, seats)],
  });
}

/** The capture was refused: whether the sale is undone is decided by what becomes of the intent. */
export const captureRefused = (b: Booking, now: number): Change =>
  change(b, moved(b, { step: 'undo', dueAt: soon(now) }, now));

/** A ticket for one of the places exists already: an invariant is broken. */
export const placeTaken = (b: Booking, now: number): Change =>
  change(b, moved(b, { step: 'undo', alarm: 'place-taken', dueAt: soon(now) }, now));

/** The provider says *canceled*: nobody is charged, the sale is undone. */
export function undone(b: Booking, tickets: readonly Ticket[], now: number): Change {
  const active = tickets.filter((t) => t.active);
  const closed = {
    ...b,
    attempts: withAttempt(b, { state: 'canceled', token: undefined, intentStatus: 'canceled' }),
  };
  const next = moved(
    closed,
    {
      status: 'cancelled',
      reason: b.alarm === undefined ? 'capture-failed' : 'seats-unavailable',
      step: 'settle',
      dueAt: soon(now),
      saleWritten: false,
      returns: [...b.returns, { ...returnOf(b), seats: 'all', block: b.alarm !== undefined }],
    },
    now,
  );
  return change(b, next, {
    voided: active.map((t) => t.ticketId),
    entries: ledgerEntry(
      b,
      'reversal',
      'undone',
      reversalPostings(sumOf(active).shares, false),
      now,
    ),
    messages: [messageOf(b, 'payment-undone', 'undone', b.quote.total)],
    claims: releaseClaims(b),
  });
}

/** No tickets could be written, yet the provider has captured: all of it goes back. */
export function soldForNothing(b: Booking, now: number): Change {
  const end = undone(b, [], now);
  const attempt = lastAttempt(b);
  return attempt === undefined ? end : strayCash(b, end, attempt, amountOf(b, attempt), now);
}

/** Adds to a change that this attempt's money came in without a sale and is owed back. */
function strayCash(b: Booking, so: Change, attempt: Attempt, amount: number, now: number): Change {
  const { booking } = so;
  const entry: Return = {
    ...returnOf(booking),
    seatsReturned: true,
    amount,
    refund: 'pending',
    intentId: attempt.intentId,
  };
  const attempts = booking.attempts.map(
    (a): Attempt =>
      a.no === attempt.no
        ? { ...a, state: 'captured', token: undefined, intentStatus: 'succeeded' }
        : a,
  );
  const part = `stray-${attempt.no}`;
  const entries = ledgerEntry(b, 'stray-cash', part, strayCashPostings(amount), now);
  return {
    ...so,
    booking: { ...booking, attempts, returns: [...booking.returns, entry] },
    entries: [...so.entries, ...entries],
  };
}

/** In `settle`: the provider's answer to cancelling this attempt's intent. */
export function attemptSettled(
  b: Booking,
  attempt: Attempt,
  status: string,
  amount: number,
  now: number,
): Change {
  const next = moved(b, { dueAt: soon(now) }, now);
  if (status === 'succeeded') return strayCash(b, change(b, next), attempt, amount, now);
  if (status !== 'canceled') return again(b, now);
  const attempts = b.attempts.map(
    (a): Attempt =>
      a.no === attempt.no
        ? { ...a, state: 'canceled', token: undefined, intentStatus: 'canceled' }
        : a,
  );
  return change(b, { ...next, attempts });
}

/** In `settle`: an intent that may exist has been found (or made) again by its attempt's key. */
export const attemptFound = (b: Booking, no: number, intentId: string, now: number): Change => {
  const attempts = b.attempts.map(
    (a): Attempt => (a.no === no ? { ...a, state: 'open', intentId } : a),
  );
  return change(b, moved(b, { attempts, dueAt: soon(now) }, now));
};

const withReturn = (b: Booking, no: number, patch: Partial<Return>): readonly Return[] =>
  b.returns.map((r) => (r.no === no ? { ...r, ...patch } : r));

/** The seats of this return are on sale again (or blocked). */
export const seatsReturned = (b: Booking, no: number, now: number): Change => {
  const returns = withReturn(b, no, { seatsReturned: true });
  return change(b, moved(b, { returns, dueAt: soon(now) }, now));
};

/** The seats of a return; all of the booking's where it names none. */
const seatsOf = (b: Booking, { seats }: Return): readonly SeatRef[] =>
  seats === 'all' || seats.length === 0 ? b.seats : b.seats.filter(({ id }) => seats.includes(id));

/** The provider's answer to this return's refund. */
export function refundSeen(
  b: Booking,
  entry: Return,
  refund: { readonly refundId: string; readonly status: string },
  now: number,
): Change {
  if (refund.status === 'succeeded') {
    const patch = { refund: 'succeeded', refundId: refund.refundId } as const;
    const returns = withReturn(b, entry.no, patch);
    const part = `refunded-${entry.no}`;
    return change(b, moved(b, { returns, dueAt: soon(now) }, now), {
      entries: ledgerEntry(b, 'refund', part, refundPostings(entry.amount), now),
      messages: [messageOf(b, 'booking-refunded', part, entry.amount, seatsOf(b, entry))],
    });
  }
  if (refund.status !== 'failed' && refund.status !== 'canceled') return again(b, now);
  const refundsFailed = entry.refundsFailed + 1;
  const over = refundsFailed >= limits.refundsFailedMax;
  const patch = { refundsFailed, refund: over ? 'failed' : 'pending' } as const;
  const returns = withReturn(b, entry.no, patch);
  return over
    ? change(b, moved(b, { returns, alarm: 'refund-failed', dueAt: soon(now) }, now))
    : again(b, now, { returns });
}

/** The money of this return is on the voucher that paid it again, with the very change. */
export function voucherRefunded(b: Booking, entry: Return, now: number): Change {
  const voucherId = b.bill?.voucher?.voucherId;
  if (voucherId === undefined) throw new Error('money is due to a voucher, but there is none');
  const { no, amount } = entry;
  const returns = withReturn(b, no, { refund: 'succeeded' });
  const part = `refunded-${no}`;
  return change(b, moved(b, { returns, dueAt: soon(now) }, now), {
    entries: ledgerEntry(b, 'voucher-refund', part, voucherRefundPostings(amount), now),
    messages: [messageOf(b, 'booking-refunded', part, amount, seatsOf(b, entry))],
    claims: [{ kind: 'voucher-credited', voucherId, amount }],
  });
}

/** Nothing is owed any more. */
export function settled(b: Booking, now: number): Change {
  if (!isSettled(b)) throw new Error('something is still owed');
  const paidBack = b.returns.some((r) => r.refund === 'succeeded');
  const unpaid = b.returns.some((r) => r.refund === 'failed' || awaitsPayOut(r));
  const status: BookingStatus =
    b.status === 'cancelled' && paidBack && !unpaid ? 'refunded' : b.status;
  return change(b, moved(b, { status, step: 'done' }, now));
}

/** The key under which the provider returns this money once. */
export const refundKey = (b: Booking, { no, refundsFailed }: Return): string =>
  `${b.bookingId}:r${no}${refundsFailed === 0 ? '' : `.${refundsFailed}`}`;

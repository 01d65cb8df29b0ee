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
import { backOnVoucher, messageOf } from '#domain/booking-messages.ts';
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
import { restOf } from '#domain/instalments.ts';
import type { SeatRef } from '#domain/inventory/commands.ts';
import {
  refundPostings,
  reversalPostings,
  strayCashPostings,
  voucherRefundPostings,
} from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';
import { type CancelWish, chosenTickets, withdrawn } from '#domain/withdrawal.ts';

/** What a wish to cancel comes to. */
export type Cancellation =
  /** Recorded; the flow does it as soon as the payment, or its dispute, is settled. */
  | { readonly kind: 'requested'; readonly change: Change | undefined }
  | { readonly kind: 'done'; readonly change: Change; readonly amount: number }
  | { readonly kind: 'refused'; readonly why: string };

const refused = (why: string): Cancellation => ({ kind: 'refused', why });

/**
 * Decides a cancellation, by the buyer or by an order. While a payment runs only the whole booking
 * can be cancelled, and only after it has settled; what its dispute holds waits for its end.
 */
export function cancel(
  b: Booking,
  tickets: readonly Ticket[],
  wish: CancelWish,
  now: number,
): Cancellation {
  switch (b.status) {
    case 'pending':
    case 'requires_action':
    case 'selling':
      if (wish.ticketIds !== undefined) return refused('Its payment is still running');
      return requested(b, wish, now);
    case 'declined': {
      if (wish.ticketIds !== undefined) return refused('It has no tickets');
      const change = cancelledUnpaid(b, now, wish);
      return { kind: 'done', change, amount: 0 };
    }
    case 'confirmed':
    case 'partially_refunded': {
      const chosen = chosenTickets(tickets, wish);
      if (typeof chosen === 'string') return refused(chosen);
      if (chosen.length === 0) return requested(b, wish, now);
      const change = withdrawn(b, tickets, chosen, wish, now);
      const given = change.booking.returns.slice(b.returns.length);
      const amount = given.reduce((sum, r) => sum + r.amount, 0);
      return { kind: 'done', change, amount };
    }
    case 'expired':
    case 'cancelled':
    case 'refunded':
      return refused(`It is ${b.status}`);
  }
}

/** Noted for later; an order stands above the buyer's own wish. */
function requested(b: Booking, { order, at }: CancelWish, now: number): Cancellation {
  if (b.cancelRequested && (order === undefined || b.cancelAs?.order !== undefined)) {
    return { kind: 'requested', change: undefined };
  }
  const note = { cancelRequested: true, cancelAs: { order, at: at ?? now }, tries: b.tries };
  // A booking with tickets waits for the end of its dispute; one without is looked at at once.
  const next = moved(b, b.step === 'done' ? note : { ...note, dueAt: now }, now);
  return { kind: 'requested', change: change(b, next) };
}

/** Ends before anything was charged: no tickets, no money. */
export function cancelledUnpaid(
  b: Booking,
  now: number,
  wish: CancelWish = { ...b.cancelAs },
): Change {
  const { order, key } = wish;
  const end = ended(b, 'cancelled', order?.reason ?? 'cancelled-by-buyer', now, key);
  if (order?.reason !== 'event-cancelled') return end;
  return { ...end, messages: [messageOf(b, 'event-cancelled', 'event-cancelled', 0)] };
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
        ? { ...a, covers: [], state: 'captured', token: undefined, intentStatus: 'succeeded' }
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
  const message = messageOf(b, 'booking-refunded', part, amount, seatsOf(b, entry));
  return change(b, moved(b, { returns, dueAt: soon(now) }, now), {
    entries: ledgerEntry(b, 'voucher-refund', part, voucherRefundPostings(amount), now),
    messages: [backOnVoucher(message, b, amount)],
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
  return change(b, moved(b, { status, ...restOf({ ...b, status }) }, now), { wait: true });
}

/** The key under which the provider returns this money once. */
export const refundKey = (b: Booking, { no, refundsFailed }: Return): string =>
  `${b.bookingId}:r${no}${refundsFailed === 0 ? '' : `.${refundsFailed}`}`;

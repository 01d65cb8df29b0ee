import { type Attempt, type Booking, moved, type Return, withAttempt } from '#domain/booking.ts';
import { type Message, messageOf } from '#domain/booking-messages.ts';
import {
  again,
  type Change,
  change,
  type IntentNews,
  ledgerEntry,
  returnOf,
  soon,
} from '#domain/booking-moves.ts';
import { UsherError } from '#domain/errors.ts';
import { goodwillOf } from '#domain/goodwill.ts';
import {
  cardOnFile,
  coveredBy,
  nextTryAt,
  outstanding,
  owed,
  restOf,
  runningCharge,
} from '#domain/instalments.ts';
import { cashPostings, withdrawalPostings } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { refundable, refundReturns } from '#domain/refund-parts.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** What names the charge of an instalment: the try it is. */
const chargeKey = (no: number, tries: number): string => `instalment-${no}-${tries + 1}`;

const begun = (b: Booking, attempt: Attempt, now: number): Change =>
  change(
    b,
    moved(b, { step: 'charge', attempts: [...b.attempts, attempt], dueAt: soon(now) }, now),
  );

/** The next instalment is due: the saved card is charged, without the buyer. */
export function chargeDue(b: Booking, now: number): Change {
  const [next] = owed(b);
  if (next === undefined) return change(b, moved(b, restOf(b), now));
  const tries = b.arrears?.no === next.no ? b.arrears.tries : 0;
  const token = cardOnFile(b);
  const attempt: Attempt = {
    no: b.attempts.length + 1,
    key: chargeKey(next.no, tries),
    amount: next.amount,
    covers: [next.no],
    offSession: true,
    saved: true,
    token,
    state: 'opening',
  };
  return begun(b, attempt, now);
}

/** Tells the buyer of the charge that is near, and notes that he was told. */
export function announced(b: Booking, now: number): Change {
  const [next] = owed(b);
  if (next === undefined) return change(b, moved(b, restOf(b), now));
  const { no, amount, dueAt: at } = next;
  const told: Booking = { ...b, announced: no };
  const message = messageOf(b, 'instalment-coming', `coming-${no}`, amount);
  return change(b, moved(told, restOf(told), now), {
    messages: [aboutCharge(b, message, { no, tries: 0, at })],
    wait: true,
  });
}

/** The message with when instalment `no`, failed `tries` times, is charged, and if for the last time. */
function aboutCharge(
  b: Booking,
  message: Message,
  { no, tries, at }: { readonly no: number; readonly tries: number; readonly at: number },
): Message {
  const last = nextTryAt(b, tries + 1, at) === undefined;
  return { ...message, data: { ...message.data, instalment: no, chargeAt: at, lastTry: last } };
}

/** What a buyer asks for who pays before the due time, or with another card. */
export type PayWish = {
  readonly key: string;
  /** Pays everything up to this instalment; absent: all that is left. */
  readonly upTo?: number | undefined;
} & Pick<Attempt, 'token' | 'saved'>;

/**
 * The buyer pays. Undefined: this very request was taken before. Throws `state-forbids` where
 * nothing is owed or a charge is running, `not-found` for an instalment that is not owed.
 */
export function payNow(b: Booking, wish: PayWish, now: number): Change | undefined {
  if (b.attempts.some(({ key }) => key === wish.key)) return undefined;
  if (runningCharge(b) !== undefined) {
    throw new UsherError('state-forbids', 'An instalment is being charged at this moment');
  }
  const left = owed(b);
  if (left.length === 0) throw new UsherError('state-forbids', 'Nothing is left to be paid');
  if (b.step !== 'owing') {
    throw new UsherError('state-forbids', 'The booking is being worked on: try again soon');
  }
  const { key, upTo, token, saved } = wish;
  if (upTo !== undefined && !left.some(({ no }) => no === upTo)) {
    throw new UsherError('not-found', `Instalment ${upTo} is not to be paid`);
  }
  const chosen = left.filter(({ no }) => upTo === undefined || no <= upTo);
  const attempt: Attempt = {
    no: b.attempts.length + 1,
    key,
    amount: chosen.reduce((sum, { amount }) => sum + amount, 0),
    covers: chosen.map(({ no }) => no),
    until: now + limits.instalmentPayMs,
    token,
    ...(saved ? { saved } : { save: true }),
    state: 'opening',
  };
  return begun(b, attempt, now);
}

/** What follows from the state of a running charge's intent. */
export function chargeSeen(b: Booking, news: IntentNews, now: number): Change {
  const { offSession, until = 0 } = runningCharge(b) ?? {};
  const seen = (status = news.status): Booking => ({
    ...b,
    attempts: withAttempt(b, {
      intentStatus: status,
      clientSecret: news.clientSecret,
      nextActionUrl: news.nextActionUrl,
      declineCode: news.declineCode ?? (status === news.status ? undefined : news.status),
      methodId: news.paymentMethod,
    }),
  });
  const goesOn = (to: Booking): Change => change(b, moved(to, { dueAt: soon(now) }, now));
  switch (news.status) {
    case 'succeeded':
      return instalmentPaid(b, news.paymentMethod, now);
    case 'requires_capture':
      return goesOn(seen());
    case 'processing':
    case 'requires_confirmation':
      return again(seen(), now);
    case 'requires_action':
      // Nobody is there to act, or nobody did in time: it is closed like a decline.
      return offSession || now >= until
        ? goesOn(seen('requires_payment_method'))
        : again(seen(), now, {}, until);
    case 'requires_payment_method':
    case 'canceled':
      return goesOn(seen());
  }
}

const charged = (b: Booking, patch: Partial<Attempt>): readonly Attempt[] =>
  withAttempt(b, { token: undefined, clientSecret: undefined, nextActionUrl: undefined, ...patch });

/** The money of the running charge has come in. */
function instalmentPaid(b: Booking, methodId: string | undefined, now: number): Change {
  const attempt = runningCharge(b);
  if (attempt === undefined) throw new Error('no charge is running');
  const paid = { state: 'captured', intentStatus: 'succeeded' } as const;
  const attempts = charged(b, { ...paid, ...(methodId === undefined ? {} : { methodId }) });
  const after: Booking = { ...b, attempts, arrears: undefined };
  const amount = attempt.amount ?? 0;
  const part = `cash-${attempt.no}`;
  const next = moved(after, standing(after, now), now);
  return change(b, next, {
    entries: ledgerEntry(b, 'cash', part, cashPostings(amount), now),
    messages: [messageOf(b, 'instalment-paid', part, amount)],
    wait: true,
  });
}

/** A wish to cancel that came while it was charged is granted now. */
const standing = (b: Booking, now: number) =>
  b.cancelRequested && b.status === 'confirmed'
    ? ({ step: 'cancel', dueAt: soon(now) } as const)
    : restOf(b);

/**
 * The running charge's intent is closed without money. A charge that the buyer began changes
 * nothing; one of ours is tried again by the plan's rule, and after the last the booking ends.
 */
export function chargeFailed(b: Booking, tickets: readonly Ticket[], now: number): Change {
  const attempt = runningCharge(b);
  if (attempt === undefined) throw new Error('no charge is running');
  const attempts = charged(b, { state: 'canceled', intentStatus: 'canceled' });
  const closed: Booking = { ...b, attempts };
  const [no = 0] = coveredBy(attempt);
  if (attempt.offSession !== true) {
    return change(b, moved(closed, standing(closed, now), now), { wait: true });
  }
  const tries = (b.arrears?.no === no ? b.arrears.tries : 0) + 1;
  const nextAt = nextTryAt(b, tries, now);
  if (nextAt === undefined) return defaulted(b, closed, tickets, now);
  const late: Booking = { ...closed, arrears: { no, tries, nextAt } };
  const message = messageOf(b, 'instalment-failed', `failed-${attempt.no}`, attempt.amount ?? 0);
  return change(b, moved(late, standing(late, now), now), {
    messages: [aboutCharge(b, message, { no, tries, at: nextAt })],
    wait: true,
  });
}

/**
 * The booking ends for want of payment: its tickets are void, nothing is owed any more, and what
 * was paid goes back less the plan's fee. What used tickets would still have cost is lost.
 */
function defaulted(b: Booking, closed: Booking, tickets: readonly Ticket[], now: number): Change {
  const gone = tickets.filter((t) => t.active && t.status !== 'used');
  const { paid, shares } = sumOf(gone);
  const unpaid = outstanding(b);
  const wanted = Math.max(0, paid - unpaid - (b.bill?.plan?.cancelFee ?? 0));
  const amount = Math.max(0, Math.min(wanted, refundable(b)));
  const kept = paid - unpaid - amount;
  // What was given before as goodwill is not given again.
  const given = goodwillOf(b);
  const organizer = Math.min(given.organizer, wanted - amount);
  const platform = Math.min(given.platform, wanted - amount - organizer);
  const seats = gone.map((t) => t.seat);
  const ids = gone.map((t) => t.ticketId);
  const entry: Return = {
    ...returnOf(b),
    tickets: ids,
    seats: seats.map((seat) => seat.id),
    seatsReturned: gone.length === 0,
    kept,
    unpaid,
    ...(organizer + platform > 0
      ? { goodwill: { organizer: -organizer, platform: -platform } }
      : {}),
  };
  const part = `unpaid-${entry.no}`;
  const rate = { ...shares, organizer: shares.organizer - (paid - unpaid - wanted) };
  const postings = withdrawalPostings(rate, { organizer, platform, unpaid, discount: 0 });
  const rest = tickets.some((t) => t.active && t.status === 'used');
  const end = rest
    ? ({ status: 'partially_refunded' } as const)
    : ({ status: 'cancelled', reason: 'instalments-unpaid' } as const);
  const returns = [...b.returns, ...refundReturns(b, entry, amount)];
  const patch = { ...end, step: 'settle', dueAt: soon(now), returns, arrears: undefined } as const;
  return change(b, moved(closed, patch, now), {
    voided: ids,
    entries: ledgerEntry(b, 'reversal', part, postings, now, 'system'),
    messages: [messageOf(b, 'instalments-unpaid', part, amount, seats)],
  });
}

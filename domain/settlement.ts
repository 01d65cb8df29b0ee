import { amountOf, cardTotal } from '#domain/bill.ts';
import { type Booking, isSettled, keptOf, moved, type Return } from '#domain/booking.ts';
import { type Change, change, ledgerEntry, returnOf, soon } from '#domain/booking-moves.ts';
import { takenBack } from '#domain/dispute.ts';
import { isAtRest } from '#domain/instalments.ts';
import {
  type Posting,
  refundPostings,
  reversalPostings,
  type Shares,
  strayCashPostings,
} from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { differenceOf, type IntentFacts, type IntentRecord } from '#domain/reconciliation.ts';
import { split } from '#domain/split.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** A refund as the provider lists it. Minor units. */
export type ListedRefund = {
  readonly refundId: string;
  readonly status: string;
  readonly amount: number;
  /** The key of ours it was asked for under; undefined: somebody else asked. */
  readonly refundKey?: string | undefined;
};

export type ListedIntent = IntentFacts & {
  readonly intentId: string;
  readonly refunds: readonly ListedRefund[];
};

const returnsOf = (b: Booking, intentId: string, ...states: readonly Return['refund'][]) =>
  b.returns.filter(
    ({ intentId: of, to = 'card', refund }) =>
      of === intentId && to === 'card' && states.includes(refund),
  );

const stands = ({ status }: Ticket): boolean => status !== 'cancelled';

const sum = (returns: readonly Return[]): number =>
  returns.reduce((total, r) => total + r.amount, 0);

/** What the booking says of one of its intents, also of one that none of its attempts has. */
export function recordOf(b: Booking, tickets: readonly Ticket[], intentId: string): IntentRecord {
  const paid = b.attempts.filter((a) => a.state === 'captured');
  const own = paid.find((a) => a.intentId === intentId);
  const others = paid.filter((a) => a !== own);
  // A stray capture is booked with the return that it is owed back by.
  const stray = sum(returnsOf(b, intentId, 'pending', 'succeeded', 'failed'));
  return {
    finished: isAtRest(b) && isSettled(b),
    cardTotal: cardTotal(b),
    validTickets: tickets.filter(stands).length,
    captured: own === undefined ? stray : amountOf(b, own),
    otherCaptured: others.reduce((total, a) => total + amountOf(b, a), 0),
    refunded: sum(returnsOf(b, intentId, 'succeeded')),
    refundPending: sum(returnsOf(b, intentId, 'pending')),
    refundFailed: sum(returnsOf(b, intentId, 'failed')),
    retained: Math.max(0, takenBack(b) + keptOf(b)),
  };
}

/**
 * Brings the books of a booking whose flow has ended into line with what the provider says of an
 * intent; what is owed back is left to its flow, which begins anew at `settle`. Undefined: there is
 * nothing that may be done by itself.
 */
export function settlementOf(
  b: Booking,
  tickets: readonly Ticket[],
  intent: ListedIntent,
  now: number,
): Change | undefined {
  const difference = differenceOf(intent, 0, recordOf(b, tickets, intent.intentId));
  switch (difference?.problem) {
    case 'captured-without-tickets':
      return strayBooked(b, intent, now);
    case 'refund-not-booked':
      return refundsBooked(b, tickets, intent, now);
    case 'refund-undone':
      return refundUndone(b, intent, now);
    default:
      return undefined;
  }
}

const outside = (b: Booking, no: number, intentId: string, refund: ListedRefund): Return => ({
  ...returnOf(b),
  no,
  seatsReturned: true,
  amount: refund.amount,
  intentId,
  refund: 'succeeded',
  refundId: refund.refundId,
});

const done = (refunds: readonly ListedRefund[]): readonly ListedRefund[] =>
  refunds.filter(({ status }) => status === 'succeeded');

/** Money came in without a sale: what has not gone back by other ways is owed. */
function strayBooked(b: Booking, intent: ListedIntent, now: number): Change {
  const { intentId, captured, refunded, refunds } = intent;
  const gone = done(refunds);
  const owed = captured - refunded;
  const first = b.returns.length + 1;
  const returns: Return[] = gone.map((r, i) => outside(b, first + i, intentId, r));
  if (owed > 0) {
    const no = first + gone.length;
    const own = { seatsReturned: true, amount: owed, intentId, refund: 'pending' } as const;
    returns.push({ ...returnOf(b), ...own, no });
  }
  const cash = ledgerEntry(b, 'stray-cash', `stray-${intentId}`, strayCashPostings(captured), now);
  const back = gone.flatMap((r) =>
    ledgerEntry(b, 'refund', `refunded-${r.refundId}`, refundPostings(r.amount), now),
  );
  return reopened(b, [...b.returns, ...returns], [...cash, ...back], now);
}

/** Refunds that were made past us, or whose answer never came. */
function refundsBooked(
  b: Booking,
  tickets: readonly Ticket[],
  { intentId, refunds }: ListedIntent,
  now: number,
): Change | undefined {
  const known = new Set(b.returns.flatMap(({ refundId }) => refundId ?? []));
  const news = done(refunds).filter(({ refundId }) => !known.has(refundId));
  let returns = b.returns;
  const entries: Change['entries'][number][] = [];
  const { shares } = sumOf(tickets);
  for (const refund of news) {
    const { refundId, amount } = refund;
    const asked = returns.find(
      (r) => r.refund === 'failed' && r.intentId === intentId && r.amount === amount,
    );
    const postings = asked === undefined ? outsidePostings(shares, amount) : refundPostings(amount);
    const entry = asked ?? outside(b, returns.length + 1, intentId, refund);
    const settled: Return = { ...entry, refund: 'succeeded', refundId };
    returns = [...returns.filter((r) => r !== asked), settled].sort((x, y) => x.no - y.no);
    entries.push(...ledgerEntry(b, 'refund', `refunded-${refundId}`, postings, now));
  }
  return news.length === 0 ? undefined : reopened(b, returns, entries, now);
}

/**
 * Somebody returned money at the provider's own desk: it is taken from those the price belongs to,
 * each by its share, and has gone out.
 */
export function outsidePostings(shares: Shares, amount: number): readonly Posting[] {
  const weights = [shares.fees, shares.taxes, shares.organizer].map((share) => Math.max(0, share));
  const known = weights.some((weight) => weight > 0);
  const [fees = 0, taxes = 0, organizer = 0] = split(amount, known ? weights : [0, 0, 1]);
  return [...reversalPostings({ fees, taxes, organizer }, true), ...refundPostings(amount)];
}

/** A refund that was done is not any more: the money is back with us and owed again. */
function refundUndone(b: Booking, intent: ListedIntent, now: number): Change | undefined {
  const { intentId, refunds } = intent;
  const failed = new Set(
    refunds.flatMap(({ refundId, status }) =>
      status === 'failed' || status === 'canceled' ? refundId : [],
    ),
  );
  const undone = returnsOf(b, intentId, 'succeeded').filter((r) => failed.has(r.refundId ?? ''));
  const before = returnsOf(b, intentId, 'none').filter(({ amount }) => amount > 0);
  if (undone.length === 0) return undefined;
  // A card that takes no refund: it stays owed, and a person finds another way.
  const givenUp = before.length + undone.length >= limits.refundsFailedMax;
  const left = b.returns.map((r): Return => (undone.includes(r) ? { ...r, refund: 'none' } : r));
  const again = undone.map(
    (r, i): Return => ({
      ...returnOf(b),
      no: b.returns.length + 1 + i,
      seatsReturned: true,
      amount: r.amount,
      intentId,
      refund: givenUp ? 'failed' : 'pending',
    }),
  );
  const entries = undone.flatMap((r) =>
    ledgerEntry(b, 'stray-cash', `unrefunded-${r.no}`, strayCashPostings(r.amount), now),
  );
  const owing = givenUp ? { ...b, alarm: 'refund-failed' } : b;
  return reopened(owing, [...left, ...again], entries, now);
}

const reopened = (
  b: Booking,
  returns: readonly Return[],
  entries: Change['entries'],
  now: number,
): Change =>
  change(b, moved(b, { step: 'settle', dueAt: soon(now), returns }, now), {
    entries,
    wait: false,
  });

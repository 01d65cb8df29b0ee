import { amountOf } from '#domain/bill.ts';
import { type Booking, moved } from '#domain/booking.ts';
import { messageOf } from '#domain/booking-messages.ts';
import { type Change, change, ledgerEntry, returnOf, soon } from '#domain/booking-moves.ts';
import { offset, restOf } from '#domain/instalments.ts';
import { disputePostings, lossPostings } from '#domain/ledger.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** A chargeback: the buyer's bank asks the money back. `won` and `lost` are final. */
export type Dispute = {
  /** The provider's id. */
  readonly disputeId: string;
  readonly state: 'open' | 'won' | 'lost';
  /** What the provider took when it was lost, minor units; 0 before. */
  readonly taken: number;
  /** Epoch ms of the last news. */
  readonly at: number;
};

export type DisputeNews = {
  readonly disputeId: string;
  readonly state: Dispute['state'];
  /** Minor units; absent: all that was captured and not returned. */
  readonly amount?: number | undefined;
};

/** Whether a dispute is undecided: the booking's money must not be given back meanwhile. */
export const isDisputed = (b: Booking): boolean =>
  b.disputes?.some((d) => d.state === 'open') ?? false;

/** What banks have taken back, minor units. */
export const takenBack = (b: Pick<Booking, 'disputes'>): number =>
  (b.disputes ?? []).reduce((sum, d) => sum + d.taken, 0);

const capturedSum = (b: Booking): number =>
  b.attempts.filter((a) => a.state === 'captured').reduce((sum, a) => sum + amountOf(b, a), 0);

/** Captured, and neither returned, on its way back nor taken by a bank; minor units. */
export function inHand(b: Booking): number {
  const returned = b.returns
    .filter(({ to = 'card' }) => to === 'card')
    .filter((r) => r.refund === 'pending' || r.refund === 'succeeded')
    .reduce((sum, r) => sum + r.amount, 0);
  return capturedSum(b) - returned - takenBack(b);
}

/**
 * What news of a dispute does to a booking: its valid tickets are frozen while it is open, valid
 * again when it is won, void with their seats given back when it is lost. News may come twice and
 * in any order. `early`: the capture has not settled here yet. Undefined: nothing changes.
 */
export function disputed(
  b: Booking,
  tickets: readonly Ticket[],
  news: DisputeNews,
  now: number,
): Change | 'early' | undefined {
  const known = b.disputes?.find((d) => d.disputeId === news.disputeId);
  if (known !== undefined && (known.state !== 'open' || news.state === 'open')) return undefined;
  if (b.status === 'pending' || b.status === 'requires_action' || b.status === 'selling') {
    return 'early';
  }
  const taken = news.state === 'lost' ? (news.amount ?? inHand(b)) : 0;
  const dispute: Dispute = { disputeId: news.disputeId, state: news.state, taken, at: now };
  const others = (b.disputes ?? []).filter((d) => d.disputeId !== news.disputeId);
  const seen: Booking = { ...b, disputes: [...others, dispute] };
  if (news.state === 'lost') return lost(b, seen, tickets, dispute, now);
  return marked(b, seen, tickets, news.state === 'open' ? 'frozen' : 'valid', now);
}

function marked(
  b: Booking,
  seen: Booking,
  tickets: readonly Ticket[],
  status: 'valid' | 'frozen',
  now: number,
): Change {
  const waiting = status === 'valid' && b.cancelRequested && !isDisputed(seen);
  const owes = status === 'valid' && b.step === 'owing' ? restOf(b) : {};
  const go = waiting ? ({ step: 'cancel', dueAt: soon(now) } as const) : owes;
  const next = moved(seen, { tries: b.tries, ...go }, now);
  // Another dispute of the same booking may still be open.
  if (status === 'valid' && isDisputed(seen)) return change(b, next);
  const from = status === 'frozen' ? 'valid' : 'frozen';
  const chosen = tickets.filter((t) => t.status === from);
  if (chosen.length === 0) return change(b, next);
  const kind = status === 'frozen' ? 'tickets-frozen' : 'tickets-restored';
  const seats = chosen.map((t) => t.seat);
  return change(b, next, {
    marked: [{ ticketIds: chosen.map((t) => t.ticketId), status }],
    messages: [messageOf(b, kind, `${kind}-${next.version}`, sumOf(chosen).paid, seats)],
  });
}

/** The bank has the money: what is not used yet is void, and the books follow. */
function lost(
  b: Booking,
  seen: Booking,
  tickets: readonly Ticket[],
  { taken }: Dispute,
  now: number,
): Change {
  const gone = tickets.filter((t) => t.status === 'frozen' || t.status === 'valid');
  const { paid, shares } = sumOf(gone);
  const rest = tickets.filter((t) => t.active).length - gone.length;
  const unpaid = gone.length === 0 ? 0 : offset(b, paid, rest === 0);
  const seats = gone.map((t) => t.seat);
  const entry = {
    ...returnOf(b),
    tickets: gone.map((t) => t.ticketId),
    seats: seats.map((seat) => seat.id),
    seatsReturned: gone.length === 0,
    kept: paid - taken - unpaid,
    ...(unpaid > 0 ? { unpaid } : {}),
  };
  const returns = [...b.returns, entry];
  const postings = [...disputePostings(shares, taken), ...lossPostings(unpaid)];
  const entries = ledgerEntry(b, 'dispute', `dispute-${entry.no}`, postings, now);
  if (gone.length === 0)
    return change(b, moved({ ...seen, returns }, { tries: b.tries }, now), { entries });
  const end = rest > 0 ? 'partially_refunded' : 'cancelled';
  const reason = rest > 0 ? {} : { reason: 'dispute-lost' };
  const over = { cancelRequested: false, cancelAs: undefined } as const;
  const go = { step: 'settle', dueAt: soon(now), returns, ...over } as const;
  const next = { status: end, ...reason, ...go } as const;
  return change(b, moved(seen, next, now), {
    voided: entry.tickets,
    entries,
    messages: [messageOf(b, 'tickets-void', `tickets-void-${entry.no}`, taken, seats)],
  });
}

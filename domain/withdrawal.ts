import { type Booking, type CancelOrder, moved, type Return } from '#domain/booking.ts';
import { backOnVoucher, messageOf } from '#domain/booking-messages.ts';
import { type Change, change, ledgerEntry, returnOf, soon } from '#domain/booking-moves.ts';
import { goodwillOf } from '#domain/goodwill.ts';
import { offset } from '#domain/instalments.ts';
import { type Deductions, withdrawalPostings } from '#domain/ledger.ts';
import { discountTurn } from '#domain/lost-discount.ts';
import { refundable, refundReturns } from '#domain/refund-parts.ts';
import {
  defaultRefundRules,
  fullRate,
  type RefundRate,
  type RefundTerms,
  refundOfTickets,
  refundRateAt,
} from '#domain/refund-rules.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

export type CancelWish = {
  /** Absent: all tickets that are valid. */
  readonly ticketIds?: readonly string[] | undefined;
  /** Names the request: `givenBy` finds what it did. */
  readonly key?: string | undefined;
  /** The staff member who does it for the buyer, by the same rules. */
  readonly by?: string | undefined;
  /** Absent: the buyer's own wish. */
  readonly order?: CancelOrder | undefined;
  /** When it was asked for, epoch ms; absent: now. */
  readonly at?: number | undefined;
};

/** What holds for the tickets of a booking: what its buyer was promised at checkout. */
export const refundTermsOf = ({ event, postponed }: Booking): RefundTerms => ({
  rules: event?.refundRules ?? defaultRefundRules,
  startsAt: event?.startsAt,
  fullUntil: postponed?.refundUntil,
});

/** The tickets that a wish is about, or why they cannot be cancelled. */
export function chosenTickets(
  tickets: readonly Ticket[],
  { ticketIds, order }: CancelWish,
): readonly Ticket[] | string {
  // With the event all go; those in a dispute wait for its end.
  if (order?.reason === 'event-cancelled') {
    return tickets.filter((t) => t.active && t.status !== 'frozen');
  }
  if (tickets.some((t) => t.status === 'frozen')) return 'Its payment is disputed';
  if (tickets.some((t) => t.status === 'used') && ticketIds === undefined) {
    return 'Some of its tickets have been used';
  }
  const valid = tickets.filter((t) => t.status === 'valid');
  const chosen =
    ticketIds === undefined ? valid : valid.filter((t) => ticketIds.includes(t.ticketId));
  if (chosen.length === 0 || (ticketIds !== undefined && chosen.length < new Set(ticketIds).size)) {
    return 'Some of these tickets are not valid tickets of this booking';
  }
  return chosen;
}

/** What giving tickets back comes to. Minor units; `returned` and `kept` add up to what was paid. */
export type Withdrawal = ReturnType<typeof withdrawalOf>;

/**
 * Works out what tickets return: each by the rate, together at most what the buyer has paid and not
 * had back. What was given before as goodwill is not given again. Where instalments are still to be
 * paid (`off`: what they become less), `domain/instalments.ts` says what goes back.
 */
export function withdrawalOf(
  b: Booking,
  tickets: readonly Ticket[],
  chosen: readonly Ticket[],
  wish: CancelWish,
  now: number,
) {
  const rate: RefundRate = wish.order?.waiveRules
    ? fullRate
    : refundRateAt(refundTermsOf(b), wish.at ?? now);
  const byRate = refundOfTickets(chosen, rate, b.quote.currency);
  const staying = tickets.filter((t) => t.active && !chosen.includes(t));
  const { off: discount, withheld } = discountTurn(b, staying, rate, byRate.returned);
  const wanted = byRate.returned - discount;
  const off = offset(b, wanted, staying.length === 0);
  const back = Math.max(0, wanted - off);
  const amount = Math.max(0, Math.min(back, refundable(b)));
  const given = goodwillOf(b);
  const organizer = Math.min(given.organizer, back - amount);
  const platform = Math.min(given.platform, back - amount - organizer);
  const unpaid = off + back - amount - organizer - platform;
  // Where the rules keep more than was paid, the organizer does without the rest.
  const forgone = Math.max(0, off - wanted);
  const less: Deductions = { organizer: organizer - forgone, platform, unpaid, discount };
  const { paid } = sumOf(chosen);
  const goodwill = { organizer, platform };
  const kept = paid - amount - unpaid;
  return { ...byRate, rate, amount, less, goodwill, off, withheld, paid, kept };
}

/** Tickets become void with their sale reversed; seats and money follow in `settle`. */
export function withdrawn(
  b: Booking,
  tickets: readonly Ticket[],
  chosen: readonly Ticket[],
  wish: CancelWish,
  now: number,
): Change {
  const { key, order } = wish;
  const so = withdrawalOf(b, tickets, chosen, wish, now);
  const { amount, kept, less, goodwill, off, shares, withheld } = so;
  const seats = chosen.map((t) => t.seat);
  const rest = tickets.filter((t) => t.active).length - chosen.length;
  const who = {
    ...(order === undefined ? {} : { by: order.actor, note: order.note }),
    ...(wish.by === undefined ? {} : { by: wish.by }),
  };
  const entry: Return = {
    ...returnOf(b),
    key,
    tickets: chosen.map((t) => t.ticketId),
    seats: seats.map((seat) => seat.id),
    kept,
    ...(withheld === 0 ? {} : { withheld }),
    ...(off > 0 ? { unpaid: off } : {}),
    ...(goodwill.organizer + goodwill.platform > 0
      ? { goodwill: { organizer: -goodwill.organizer, platform: -goodwill.platform } }
      : {}),
    ...who,
  };
  const part = `cancelled-${entry.no}`;
  const postings = withdrawalPostings(shares, less);
  const entries = ledgerEntry(b, 'reversal', part, postings, now).map((e) => ({ ...e, ...who }));
  const end =
    rest > 0
      ? ({ status: 'partially_refunded' } as const)
      : ({ status: 'cancelled', reason: order?.reason ?? 'cancelled-by-buyer' } as const);
  const frozen = tickets.some((t) => t.status === 'frozen');
  const waits = frozen ? waiting(b, wish, now) : { cancelRequested: false, cancelAs: undefined };
  const given = refundReturns(b, entry, amount);
  const returns = [...b.returns, ...given];
  const next = moved(b, { ...end, ...waits, step: 'settle', dueAt: soon(now), returns }, now);
  const kind = order?.reason === 'event-cancelled' ? 'event-cancelled' : 'booking-cancelled';
  const onVoucher = given.find(({ to }) => to === 'voucher')?.amount ?? 0;
  const message = backOnVoucher(messageOf(b, kind, part, amount, seats), b, onVoucher);
  const data = { ...message.data, ...who, ...(entries.length > 0 ? { booked: true } : {}) };
  const messages = [{ ...message, data }];
  return change(b, next, { voided: entry.tickets, entries, messages });
}

/** The rest of the booking waits for the end of its dispute. */
const waiting = (b: Booking, { order, at }: CancelWish, now: number) => ({
  cancelRequested: true,
  cancelAs: order === undefined && b.cancelAs !== undefined ? b.cancelAs : { order, at: at ?? now },
});

import type { SeatRef } from '#domain/inventory/commands.ts';
import type { Shares } from '#domain/ledger.ts';
import type { Quote } from '#domain/pricing.ts';

/** `frozen`: its payment is disputed; not good at the door, and not to be cancelled, until then. */
export type TicketStatus = 'valid' | 'cancelled' | 'used' | 'frozen';

/** One sold place. While `active`, no other ticket of the event may name the same place. */
export type Ticket = {
  readonly ticketId: string;
  readonly bookingId: string;
  readonly eventId: string;
  readonly buyerId: string;
  readonly seat: SeatRef;
  /** Index in the chart. */
  readonly place: number;
  readonly status: TicketStatus;
  readonly active: boolean;
  readonly attendee?: string | undefined;
  /** This ticket's part of what was charged, minor units: what a cancellation returns. */
  readonly paid: number;
  /** How `paid` divides. */
  readonly shares: Shares;
};

/**
 * Divides a whole amount in proportion to weights (equally when all are 0): whole numbers that add
 * up to it exactly; the largest remainders, then the first, get the odd units.
 */
export function split(amount: number, weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  const even = sum === 0;
  const exact = weights.map((w) => (even ? amount / weights.length : (amount * w) / sum));
  const parts = exact.map(Math.floor);
  let left = amount - parts.reduce((a, b) => a + b, 0);
  const order = exact
    .map((x, i) => ({ i, rest: x - Math.floor(x) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  for (const { i } of order) {
    if (left-- <= 0) break;
    parts[i] = (parts[i] ?? 0) + 1;
  }
  return parts;
}

/** What a sale says, and an id (`tkt_…`) for each of its seats. */
export type Sale = {
  readonly bookingId: string;
  readonly eventId: string;
  readonly buyerId: string;
  readonly seats: readonly SeatRef[];
  readonly places: readonly number[];
  readonly quote: Quote;
  readonly attendees: readonly string[];
  readonly ticketIds: readonly string[];
};

/**
 * One valid ticket per seat. The parts of price, fees and taxes add up to the quote's exactly:
 * each ticket costs its category's price, the rest divides in proportion to the prices.
 */
export function issueTickets(sale: Sale): readonly Ticket[] {
  const { quote, seats } = sale;
  const price = new Map(quote.lines.map((line) => [line.category, line.unitAmount]));
  const prices = seats.map((seat) => price.get(seat.category) ?? 0);
  const faceTotal = prices.reduce((a, b) => a + b, 0);
  const extras = split(quote.total - faceTotal, prices);
  const fees = split(quote.fees, prices);
  const taxes = split(quote.taxes, prices);
  return seats.map((seat, i) => {
    const paid = (prices[i] ?? 0) + (extras[i] ?? 0);
    const own = { fees: fees[i] ?? 0, taxes: taxes[i] ?? 0 };
    const [ticketId, place] = [sale.ticketIds[i], sale.places[i]];
    if (ticketId === undefined || place === undefined) throw new RangeError('an id and place each');
    return {
      ticketId,
      bookingId: sale.bookingId,
      eventId: sale.eventId,
      buyerId: sale.buyerId,
      seat,
      place,
      status: 'valid',
      active: true,
      ...(sale.attendees[i] === undefined ? {} : { attendee: sale.attendees[i] }),
      paid,
      shares: { ...own, organizer: paid - own.fees - own.taxes },
    };
  });
}

/** The sum of tickets' shares and of what was paid for them. */
export const sumOf = (
  tickets: readonly Ticket[],
): { readonly paid: number; readonly shares: Shares } => ({
  paid: tickets.reduce((sum, t) => sum + t.paid, 0),
  shares: {
    organizer: tickets.reduce((sum, t) => sum + t.shares.organizer, 0),
    fees: tickets.reduce((sum, t) => sum + t.shares.fees, 0),
    taxes: tickets.reduce((sum, t) => sum + t.shares.taxes, 0),
  },
});

import type { SeatRef } from '#domain/inventory/commands.ts';
import type { Shares } from '#domain/ledger.ts';
import { stepOf } from '#domain/money.ts';
import type { Quote } from '#domain/pricing.ts';
import { split } from '#domain/split.ts';

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
 * One valid ticket per seat. The parts of price, fees and taxes add up to the quote's exactly. Each
 * ticket costs its category's price less its part of the discount on that category; fees divide in
 * proportion to the prices, added taxes in proportion to price and fees.
 */
export function issueTickets(sale: Sale): readonly Ticket[] {
  const { quote, seats } = sale;
  const step = stepOf(quote.currency);
  const price = new Map(quote.lines.map((line) => [line.category, line.unitAmount]));
  const faces = seats.map((seat) => price.get(seat.category) ?? 0);
  const prices = netPrices(quote, seats, faces, step);
  const fees = split(quote.fees, faces, step);
  const bases = prices.map((net, i) => Math.max(net + (fees[i] ?? 0), 0));
  const base = prices.reduce((sum, net) => sum + net, 0) + quote.fees;
  const added = split(quote.total - base, bases, step);
  const taxes = split(quote.taxes, bases, step);
  return seats.map((seat, i) => {
    const own = { fees: fees[i] ?? 0, taxes: taxes[i] ?? 0 };
    const paid = (prices[i] ?? 0) + own.fees + (added[i] ?? 0);
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

/** What each ticket costs after the discount on its category, which its tickets share equally. */
function netPrices(
  { discount }: Quote,
  seats: readonly SeatRef[],
  faces: readonly number[],
  step: number,
): readonly number[] {
  const net = [...faces];
  for (const { category, amount } of discount?.lines ?? []) {
    const own = seats.flatMap((seat, i) => (seat.category === category ? [i] : []));
    const parts = split(
      amount,
      own.map(() => 1),
      step,
    );
    for (const [i, at] of own.entries()) net[at] = (net[at] ?? 0) - (parts[i] ?? 0);
  }
  return net;
}

/** The sum of tickets' shares and of what was paid for them. */
export const sumOf = (
  tickets: readonly Pick<Ticket, 'paid' | 'shares'>[],
): { readonly paid: number; readonly shares: Shares } => ({
  paid: tickets.reduce((sum, t) => sum + t.paid, 0),
  shares: {
    organizer: tickets.reduce((sum, t) => sum + t.shares.organizer, 0),
    fees: tickets.reduce((sum, t) => sum + t.shares.fees, 0),
    taxes: tickets.reduce((sum, t) => sum + t.shares.taxes, 0),
  },
});

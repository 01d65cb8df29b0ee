import type { Booking } from '#domain/booking.ts';
import { roundedTo, stepOf } from '#domain/money.ts';
import type { RefundRate } from '#domain/refund-rules.ts';
import type { Ticket } from '#domain/ticket.ts';

/**
 * The discount that tickets which stay have no right to any more, minor units. A code that asks for
 * a number of tickets gives its discount only while so many of its tickets stay; of each category
 * they share it equally, rounded down.
 */
function lostDiscount(
  { quote, bill }: Pick<Booking, 'quote' | 'bill'>,
  staying: readonly Pick<Ticket, 'seat'>[],
): number {
  // What a package takes off by itself is not lost.
  const lines = (quote.discount?.promo ?? quote.discount)?.lines ?? [];
  const own = (category: string): number =>
    staying.filter(({ seat }) => seat.category === category).length;
  const fitting = lines.reduce((sum, { category }) => sum + own(category), 0);
  if (fitting >= (bill?.promo?.ticketsMin ?? 0)) return 0;
  const step = stepOf(quote.currency);
  const parts = lines.map(({ category, amount }) => {
    const sold = quote.lines.find((line) => line.category === category)?.quantity ?? 0;
    return sold === 0 ? 0 : Math.floor((amount * own(category)) / (sold * step)) * step;
  });
  return parts.reduce((sum, part) => sum + part, 0);
}

/** What a withdrawal does about it. Minor units. */
export type DiscountTurn = {
  /** Taken off what tickets return; below 0: given back with them. */
  readonly off: number;
  /** What is withheld of the booking from now on, less what was before. */
  readonly withheld: number;
};

/**
 * The turn of a withdrawal that returns `returned` by its rate and leaves `staying`. What was
 * withheld for tickets that go now comes back as they do, at the same rate. Whoever gives tickets
 * back for a reason that is not his own loses nothing.
 */
export function discountTurn(
  b: Pick<Booking, 'quote' | 'bill' | 'returns'>,
  staying: readonly Pick<Ticket, 'seat'>[],
  rate: RefundRate,
  returned: number,
): DiscountTurn {
  const before = b.returns.reduce((sum, r) => sum + (r.withheld ?? 0), 0);
  const free = rate.why === 'waived' || rate.why === 'postponed';
  const turn = (free ? 0 : lostDiscount(b, staying)) - before;
  if (turn >= 0) {
    const off = Math.min(turn, returned);
    return { off, withheld: off };
  }
  const back = roundedTo(stepOf(b.quote.currency), -turn, rate.basisPoints, 10_000);
  return { off: -back, withheld: turn };
}

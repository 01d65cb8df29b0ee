import type { Booking } from '#domain/booking.ts';
import type { IntentRecord } from '#domain/reconciliation.ts';
import { recordOf } from '#domain/settlement.ts';
import type { Ticket } from '#domain/ticket.ts';

/**
 * What the books say of an intent of a bundle: of a sale that stands, what its bookings say
 * together; else what its order says, to which stray money belongs.
 */
export function bundleRecord(
  order: Booking,
  bookings: readonly Booking[],
  tickets: readonly Ticket[],
  intentId: string,
): IntentRecord {
  const own = (b: Booking) => tickets.filter(({ bookingId }) => bookingId === b.bookingId);
  const records = bookings.map((b) => recordOf(b, own(b), intentId));
  const sum = (part: Exclude<keyof IntentRecord, 'finished'>): number =>
    records.reduce((total, record) => total + record[part], 0);
  const whole = recordOf(order, [], intentId);
  const finished = whole.finished && records.every((record) => record.finished);
  const validTickets = sum('validTickets');
  if (order.status !== 'confirmed') return { ...whole, finished, validTickets };
  return {
    finished,
    cardTotal: sum('cardTotal'),
    validTickets,
    captured: sum('captured'),
    otherCaptured: sum('otherCaptured'),
    refunded: sum('refunded'),
    refundPending: sum('refundPending'),
    refundFailed: sum('refundFailed'),
    retained: sum('retained'),
  };
}

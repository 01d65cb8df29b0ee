import { isSettled, keptOf, type Return } from '#domain/booking.ts';
import { takenBack } from '#domain/dispute.ts';
import type { Desk } from '#services/bookings/desk.ts';

/** The booking of an intent as reconciliation needs it; `booking: null` when it has none. */
export async function bookingOfPayment(desk: Desk, intentId: string) {
  const b = await desk.store.findByIntent(intentId);
  if (b === undefined) return { booking: null };
  const tickets = await desk.store.tickets([b.bookingId]);
  const sum = (refund: Return['refund']): number =>
    b.returns
      .filter((r) => r.intentId === intentId && r.refund === refund)
      .reduce((total, r) => total + r.amount, 0);
  return {
    booking: {
      bookingId: b.bookingId,
      eventId: b.eventId,
      status: b.status,
      finished: b.step === 'done' && isSettled(b),
      validTickets: tickets.filter((t) => t.status === 'valid').length,
      refunded: sum('succeeded'),
      refundPending: sum('pending'),
      retained: Math.max(0, takenBack(b) + keptOf(b)),
    },
  };
}

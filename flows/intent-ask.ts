import { amountOf } from '#domain/bill.ts';
import type { Attempt, Booking } from '#domain/booking.ts';
import { money } from '#domain/money.ts';
import type { PaymentsPort } from '#flows/ports.ts';

/** What the intent of an attempt is created with; always the same for the same attempt. */
export function intentAsk(b: Booking, attempt: Attempt): Parameters<PaymentsPort['create']>[0] {
  const { save, saved, byBrowser } = attempt;
  return {
    eventId: b.eventId,
    bookingId: b.bookingId,
    attempt: attempt.no,
    amount: money(amountOf(b, attempt), b.quote.currency),
    buyerId: b.buyerId,
    ...(save && { save }),
    ...(saved && { saved }),
    ...(byBrowser && { byBrowser }),
  };
}

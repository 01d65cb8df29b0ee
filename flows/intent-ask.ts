import type { Authorisation, IntentOrder } from '#contracts/payments.contract.ts';
import { amountOf } from '#domain/bill.ts';
import type { Attempt, Booking } from '#domain/booking.ts';
import { money } from '#domain/money.ts';

const askOf = (b: Booking, { no, amount, save, saved }: Attempt) => ({
  eventId: b.eventId,
  bookingId: b.bookingId,
  attempt: no,
  amount: money(amountOf(b, { amount }), b.quote.currency),
  buyerId: b.buyerId,
  ...(save && { save }),
  ...(saved && { saved }),
});

/** What an intent is created with that the buyer's browser confirms. */
export const intentAsk = (b: Booking, attempt: Attempt): IntentOrder => ({
  ...askOf(b, attempt),
  ...(attempt.byBrowser && { byBrowser: true }),
});

/** What an intent is created and confirmed with; always the same for the same attempt. */
export const authorisationOf = (b: Booking, attempt: Attempt, token: string): Authorisation => ({
  ...askOf(b, attempt),
  token,
  ...(attempt.offSession && { offSession: true }),
});

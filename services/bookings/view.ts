import type { BookingView } from '#contracts/bookings.contract.ts';
import { cardTotal } from '#domain/bill.ts';
import { type Booking, lastAttempt, type Return } from '#domain/booking.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import { admits } from '#domain/instalments.ts';
import { money } from '#domain/money.ts';
import type { Ticket } from '#domain/ticket.ts';
import { refundTermsOf } from '#domain/withdrawal.ts';
import type { CancelAnswer, CancellationPreview } from '#services/bookings/cancelling.ts';
import { instalmentsOf } from '#services/bookings/instalments-view.ts';

/** A booking as its buyer sees it; tickets appear with the confirmation. */
export function viewOf(b: Booking, tickets: readonly Ticket[]): BookingView {
  const { currency, total } = b.quote;
  const locked = admits(b) ? {} : { usable: false };
  // Of a package, what a code took off beside it; without one, what the package itself did.
  const discount = b.quote.discount?.promo ?? b.quote.discount;
  const released = b.saleWritten && b.status !== 'selling';
  return {
    bookingId: b.bookingId,
    status: b.status,
    ...(b.reason === undefined ? {} : { reason: b.reason }),
    reservationId: b.reservationId,
    eventId: b.eventId,
    ...(b.bundle === undefined ? {} : { bundleId: b.bundle.bundleId }),
    seats: [...b.seats],
    total: { amount: total, currency },
    ...(discount && {
      discount: { code: discount.code, amount: { amount: discount.amount, currency } },
    }),
    ...voucherOf(b, currency),
    payment: { ...paymentOf(b), ...partsOf(b) },
    tickets: released
      ? tickets.map(({ ticketId, seat, status }) => ({ ticketId, seat, status, ...locked }))
      : [],
    refunds: b.returns
      .filter((r) => r.amount > 0)
      .map(({ no, amount, refund, to = 'card' }) => ({
        no,
        amount: { amount, currency },
        status: refund,
        to,
      })),
    cancelRequested: b.cancelRequested,
    refundRules: rulesView(b),
    createdAt: new Date(b.createdAt).toISOString(),
    updatedAt: new Date(b.updatedAt).toISOString(),
  };
}

/** What a voucher pays by these terms. */
export function voucherOf(terms: Pick<BookingTerms, 'bill'> | undefined, currency: string) {
  const amount = terms?.bill?.voucher?.amount;
  return amount === undefined ? {} : { voucher: money(amount, currency) };
}

/** What the buyer was promised for tickets he gives back. */
export function rulesView(b: Booking): NonNullable<BookingView['refundRules']> {
  const { tiers, ...rest } = refundTermsOf(b).rules;
  return { ...rest, tiers: tiers.map((tier) => ({ ...tier })) };
}

const partsOf = (b: Booking): Pick<BookingView['payment'], 'instalments'> => {
  const instalments = instalmentsOf(b);
  return instalments === undefined ? {} : { instalments };
};

export function paymentOf(b: Booking): BookingView['payment'] {
  const { by = 'card' } = b.bill ?? {};
  if (cardTotal(b) === 0) return { status: 'not_required', by };
  const attempt = lastAttempt(b);
  const status = attempt?.intentStatus ?? 'requires_payment_method';
  if (b.status === 'requires_action' || b.step === 'charge') {
    const { clientSecret, nextActionUrl, declineCode } = attempt ?? {};
    return {
      status,
      ...(clientSecret === undefined ? {} : { clientSecret }),
      ...(nextActionUrl === undefined ? {} : { nextActionUrl }),
      ...(declineCode === undefined ? {} : { declineCode }),
    };
  }
  const { declineCode } = attempt ?? {};
  return { status, ...(declineCode === undefined ? {} : { declineCode }) };
}

/** What a cancellation returns, as its answer says it. */
export const refundOf = (b: Booking, entry: Pick<Return, 'amount' | 'refund'> | undefined) => ({
  amount: { amount: entry?.amount ?? 0, currency: b.quote.currency },
  status: entry?.refund ?? ('none' as const),
});

/** A cancellation as its answer says it. */
export function cancelledView({ booking, given }: CancelAnswer) {
  const { bookingId, quote } = booking;
  const status = given === undefined ? 'cancel-requested' : cancelledStatus(booking.status);
  const kept = { amount: given?.kept ?? 0, currency: quote.currency };
  return { bookingId, status, refund: refundOf(booking, given), kept } as const;
}

const cancelledStatus = (status: string): 'cancelled' | 'partially_refunded' | 'refunded' =>
  status === 'partially_refunded' || status === 'refunded' ? status : 'cancelled';

/** What a cancellation would come to, as its answer says it. */
export function cancellationView(preview: CancellationPreview) {
  const { booking, each, rate, amount, kept, less } = preview;
  const sum = (of: number) => money(of, booking.quote.currency);
  return {
    bookingId: booking.bookingId,
    refund: sum(amount),
    kept: sum(kept),
    tickets: each.map((one) => ({
      ticketId: one.ticketId,
      paid: sum(one.paid),
      returned: sum(one.returned),
      kept: sum(one.kept),
    })),
    discountLost: sum(less.discount),
    basisPoints: rate.basisPoints,
    feePerTicket: sum(rate.feePerTicket),
    returnServiceFees: rate.returnServiceFees,
    reason: rate.why,
    ...(rate.until === undefined ? {} : { until: new Date(rate.until).toISOString() }),
    rules: rulesView(booking),
  };
}

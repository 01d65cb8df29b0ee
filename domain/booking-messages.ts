import type { Booking } from '#domain/booking.ts';
import type { SeatRef } from '#domain/inventory/commands.ts';

/** What a booking tells its buyer; the text is the messages service's. */
export type MessageKind =
  | 'booking-confirmed'
  | 'booking-cancelled'
  | 'booking-refunded'
  | 'payment-undone'
  | 'booking-reminder'
  | 'tickets-frozen'
  | 'tickets-restored'
  | 'tickets-void';

export type Message = {
  /** For ever: delivered again, it has no second effect. */
  readonly key: string;
  readonly eventId: string;
  readonly kind: MessageKind;
  readonly to: { readonly userId: string };
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * `part` tells messages of one booking apart; `amount` (minor units) and `seats` are what it is
 * about.
 */
export const messageOf = (
  b: Booking,
  kind: MessageKind,
  part: string,
  amount: number,
  seats: readonly SeatRef[] = b.seats,
): Message => ({
  key: `${b.bookingId}:${part}`,
  eventId: b.eventId,
  kind,
  to: { userId: b.buyerId },
  data: {
    bookingId: b.bookingId,
    eventId: b.eventId,
    version: b.version + 1,
    seats,
    amount: { amount, currency: b.quote.currency },
    ...(b.event === undefined ? {} : { event: b.event }),
  },
});

import type { Booking } from '#domain/booking.ts';

/** What a booking tells its buyer; the text is the messages service's. */
export type MessageKind =
  | 'booking-confirmed'
  | 'booking-cancelled'
  | 'booking-refunded'
  | 'payment-undone'
  | 'booking-reminder';

export type Message = {
  /** For ever: delivered again, it has no second effect. */
  readonly key: string;
  readonly eventId: string;
  readonly kind: MessageKind;
  readonly to: { readonly userId: string };
  readonly data: Readonly<Record<string, unknown>>;
};

/** `part` tells messages of one booking apart; `amount` is what it is about, minor units. */
export const messageOf = (
  b: Booking,
  kind: MessageKind,
  part: string,
  amount: number,
): Message => ({
  key: `${b.bookingId}:${part}`,
  eventId: b.eventId,
  kind,
  to: { userId: b.buyerId },
  data: {
    bookingId: b.bookingId,
    eventId: b.eventId,
    version: b.version + 1,
    seats: b.seats,
    amount: { amount, currency: b.quote.currency },
    ...(b.event === undefined ? {} : { event: b.event }),
  },
});

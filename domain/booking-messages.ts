import type { Booking } from '#domain/booking.ts';
import type { SeatRef } from '#domain/inventory/commands.ts';
import { money } from '#domain/money.ts';

/** What a booking tells its buyer; the text is the messages service's. */
export const messageKinds = [
  'booking-confirmed',
  'booking-cancelled',
  'booking-refunded',
  'payment-undone',
  'payment-unavailable',
  'booking-reminder',
  'instalment-coming',
  'instalment-paid',
  'instalment-failed',
  'instalments-unpaid',
  'tickets-frozen',
  'tickets-restored',
  'tickets-void',
  'event-cancelled',
  'event-postponed',
] as const;
export type MessageKind = (typeof messageKinds)[number];

export type Message = {
  /** For ever: delivered again, it has no second effect. */
  readonly key: string;
  readonly eventId: string;
  readonly kind: MessageKind;
  /** `email`: of a buyer without an account. */
  readonly to: { readonly userId: string; readonly email?: string };
  /** Nobody has an address for it: it is kept, as what happened, but not sent. */
  readonly silent?: true;
  readonly data: Readonly<Record<string, unknown>>;
};

const addressOf = ({ buyerId, contact }: Booking): Pick<Message, 'to' | 'silent'> => {
  if (contact === undefined) return { to: { userId: buyerId } };
  const { email } = contact;
  return email === undefined
    ? { to: { userId: buyerId }, silent: true }
    : { to: { userId: buyerId, email } };
};

/** Who sold it at the box office, and why for nothing, for the audit log. */
const soldBy = ({ bill }: Booking): Readonly<Record<string, unknown>> => {
  const { staffId, reason, faceValue } = bill?.counter ?? {};
  if (staffId === undefined) return {};
  return { by: staffId, ...(reason === undefined ? {} : { complimentary: { reason, faceValue } }) };
};

/** The message with what of its amount goes back on the gift voucher, minor units. */
export const backOnVoucher = (message: Message, b: Booking, amount: number): Message =>
  amount === 0
    ? message
    : { ...message, data: { ...message.data, onVoucher: money(amount, b.quote.currency) } };

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
  ...addressOf(b),
  data: {
    bookingId: b.bookingId,
    eventId: b.eventId,
    version: b.version + 1,
    seats,
    amount: { amount, currency: b.quote.currency },
    ...soldBy(b),
    ...(b.bill?.by === 'cash' ? { cash: true } : {}),
    ...(b.event === undefined ? {} : { event: b.event }),
  },
});

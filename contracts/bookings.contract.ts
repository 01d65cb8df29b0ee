import { z } from 'zod';
import {
  cancelledBooking,
  refundActions,
  refundSchema,
  ticketsToCancel,
} from '#contracts/booking-refunds.ts';
import { id, moneySchema, page, pageParams, seatSchema, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { counterActions } from '#contracts/counter-sales.ts';
import { refundRulesSchema } from '#contracts/event-schemas.ts';
import { instalmentActions, instalmentsView } from '#contracts/instalments.ts';
import { intentStatus, paymentBacklog } from '#contracts/payments.contract.ts';
import { offerCode, offerRefusals } from '#contracts/promotion-schemas.ts';
import { limits } from '#domain/limits.ts';

export const bookingStatus = z.enum([
  'pending',
  'requires_action',
  'selling',
  'confirmed',
  'declined',
  'expired',
  'cancelled',
  'partially_refunded',
  'refunded',
]);

export const bookingView = z.object({
  bookingId: id('booking'),
  status: bookingStatus,
  /** Why it ended without a sale or was undone: `capture-failed`, `reservation-expired`, … */
  reason: z.string().optional(),
  reservationId: id('reservation'),
  eventId: id('event'),
  bundleId: id('bundle').optional().describe('The order of a package that it is a part of'),
  seats: z.array(seatSchema),
  total: moneySchema,
  discount: z
    .object({ code: z.string(), amount: moneySchema })
    .optional()
    .describe('What a promo code took off the ticket prices; without one, what a package did'),
  voucher: moneySchema.optional().describe('What a gift voucher pays of the total'),
  payment: z.object({
    status: z.enum([...intentStatus.options, 'not_required']),
    by: z.enum(['card', 'cash', 'complimentary']).optional(),
    instalments: instalmentsView.optional(),
    /** While `requires_action`: what the browser needs for 3-D Secure or for its payment form. */
    clientSecret: z.string().optional(),
    nextActionUrl: z.string().optional(),
    /** The provider's reason while `declined`, or of the browser's last try. */
    declineCode: z.string().optional(),
  }),
  tickets: z.array(
    z.object({
      ticketId: id('ticket'),
      seat: seatSchema,
      status: z.enum(['valid', 'cancelled', 'used', 'frozen']),
      usable: z.boolean().optional().describe('False: not before all instalments are paid'),
    }),
  ),
  refunds: z.array(refundSchema),
  cancelRequested: z.boolean(),
  /** What was promised for tickets given back. */
  refundRules: refundRulesSchema.optional(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type BookingView = z.infer<typeof bookingView>;

/** An intent with its refunds as the provider lists them, minor units. */
const listedIntent = z.object({
  intentId: z.string(),
  status: intentStatus,
  captured: z.int().min(0),
  refunded: z.int().min(0),
  refunds: z.array(
    z.object({
      refundId: z.string(),
      status: z.string(),
      amount: z.int().min(0),
      refundKey: z.string().optional(),
    }),
  ),
});

/** How a checkout is paid by card. */
export const checkoutPayment = z.strictObject({
  method: z.literal('card'),
  token: z.string().min(1).max(255).optional().describe('Payment-method id'),
  paymentMethodId: z.string().min(1).max(255).optional().describe('One that is saved'),
  savePaymentMethod: z
    .boolean()
    .optional()
    .describe('Keep the card for other bookings, and for charges that are due later'),
});

/** What the books say of an intent's money, minor units. */
export const paidRecord = {
  eventId: id('event'),
  version: z.int(),
  status: bookingStatus,
  /** Nothing is left to do: the flow has ended. */
  finished: z.boolean(),
  currency: z.string(),
  cardTotal: z.int(),
  validTickets: z.int(),
  captured: z.int(),
  otherCaptured: z.int(),
  refunded: z.int(),
  refundPending: z.int(),
  /** Kept by the refund rules, or taken by the buyer's bank. */
  retained: z.int(),
  refundFailed: z.int(),
};

/** From hold to tickets. The booking is the resource; its flow runs by itself until it is final. */
export const bookingsContract = service({
  name: 'bookings',
  actions: {
    checkout: action({
      summary: 'Starts the booking of a reservation, or another payment attempt after a decline',
      params: z.strictObject({
        reservationId: id('reservation'),
        payment: checkoutPayment
          .extend({
            plan: z
              .string()
              .max(40)
              .optional()
              .describe('Pay in parts by this plan of the event; the card is kept for the rest'),
          })
          .optional()
          .describe(
            'Required unless nothing is left to pay. Without `token` and `paymentMethodId` the browser confirms with the `payment.clientSecret` of the booking',
          ),
        equalSeats: z
          .boolean()
          .default(false)
          .describe('Take as good seats elsewhere should these be lost while the payment runs'),
        promoCode: offerCode.optional(),
        voucher: offerCode
          .optional()
          .describe('Code of a gift voucher: pays what it can, the card the rest'),
        attendees: z
          .array(z.strictObject({ name: z.string().min(1).max(200) }))
          .max(limits.attendeesMax)
          .default([])
          .describe('In the order of the seats; none or one for each'),
      }),
      result: z.object({ bookingId: id('booking'), status: bookingStatus }),
      errors: [
        'idempotency-key-required',
        'idempotency-key-reused',
        'unauthenticated',
        'not-found',
        'checkout-in-progress',
        'already-booked',
        'reservation-expired',
        'reservation-released',
        ...offerRefusals,
        'payment-provider-unavailable',
        'overloaded',
        'unavailable',
      ],
      http: {
        method: 'POST',
        path: '/v1/checkout',
        success: 202,
        access: 'user',
        idempotency: 'required',
        shownBy: { action: 'bookings.get', id: 'bookingId' },
        tag: 'Bookings',
      },
    }),
    get: action({
      summary: 'One booking of mine; `wait` holds the answer until its status changes',
      params: z.strictObject({
        bookingId: id('booking'),
        wait: z.coerce
          .number()
          .int()
          .min(0)
          .max(limits.longPollMaxSeconds)
          .default(0)
          .describe('Seconds to hold the answer while the booking is being worked on'),
        from: bookingStatus
          .optional()
          .describe('The status the caller knows: with `wait`, another one is answered at once'),
      }),
      result: bookingView,
      errors: ['unauthenticated', 'not-found', 'unavailable'],
      timeoutMs: (limits.longPollMaxSeconds + 5) * 1_000,
      http: {
        method: 'GET',
        path: '/v1/bookings/{bookingId}',
        query: ['wait', 'from'],
        success: 200,
        access: 'user',
        tag: 'Bookings',
      },
    }),
    list: action({
      summary: 'My bookings, newest first',
      params: z.strictObject(pageParams),
      result: page(bookingView),
      errors: ['unauthenticated', 'unavailable', 'invalid-request'],
      http: {
        method: 'GET',
        path: '/v1/bookings',
        query: ['limit', 'cursor'],
        success: 200,
        access: 'user',
        tag: 'Bookings',
      },
    }),
    cancel: action({
      summary: 'Cancels a booking, or some of its tickets, and returns what was paid for them',
      params: z.strictObject({
        bookingId: id('booking'),
        tickets: ticketsToCancel,
      }),
      result: cancelledBooking,
      errors: [
        'idempotency-key-required',
        'idempotency-key-reused',
        'unauthenticated',
        'not-found',
        'not-cancellable',
        'stale-version',
        'unavailable',
      ],
      http: {
        method: 'POST',
        path: '/v1/bookings/{bookingId}/cancel',
        success: 202,
        access: 'user',
        idempotency: 'required',
        tag: 'Bookings',
      },
    }),
    ...counterActions(bookingView),
    ...instalmentActions(bookingView),
    paymentChanged: action({
      summary: 'The provider has news of a booking: it is looked at again at once',
      params: z.object({ bookingId: id('booking') }),
      result: z.object({ known: z.boolean() }),
      errors: ['unavailable'],
    }),
    ...refundActions,
    byPayment: action({
      summary: 'What the books say of an intent, as reconciliation needs it',
      params: z.object({
        intentId: z.string(),
        /** The one that it is for, which may know nothing of it. */
        bookingId: id('booking'),
      }),
      result: z.object({
        booking: z.object({ bookingId: id('booking'), ...paidRecord }).nullable(),
        /** Without a booking: what the ledger has of it. Minor units, as all amounts here. */
        stray: z.object({ captured: z.int(), refunded: z.int() }),
      }),
      errors: ['unavailable'],
    }),
    settlePayment: action({
      summary:
        'Brings the books of a finished booking into line with the provider (reconciliation)',
      params: z.object({
        bookingId: id('booking'),
        /** As `byPayment` said before the intent was read: nothing may have moved since. */
        version: z.int(),
        intent: listedIntent,
      }),
      result: z.object({ settled: z.boolean() }),
      errors: ['not-found', 'stale-version', 'unavailable'],
    }),
    bookStray: action({
      summary: 'Books money of an intent that has no booking: what came in and what went back',
      params: z.object({
        bookingId: id('booking'),
        eventId: id('event'),
        currency: z.string().regex(/^[A-Z]{3}$/),
        intent: listedIntent,
      }),
      result: z.object({ entries: z.int() }),
      errors: ['unavailable'],
    }),
    paymentBacklog: action({
      summary: 'Payments of bookings whose flow has not ended (the payments service shows them)',
      params: z.object({ olderThanMs: z.int().min(0).default(0) }),
      result: paymentBacklog,
      errors: ['unavailable'],
    }),
    validTickets: action({
      summary: 'The valid tickets of bookings, each for its own buyer; for what is sent to them',
      params: z.object({
        bookings: z
          .array(z.object({ bookingId: z.string(), buyerId: z.string() }))
          .min(1)
          .max(limits.messagesPerCallMax),
      }),
      result: z.object({
        tickets: z.array(
          z.object({
            bookingId: id('booking'),
            buyerId: z.string(),
            ticketId: id('ticket'),
            seat: seatSchema,
          }),
        ),
      }),
      errors: ['unavailable'],
    }),
    reminders: action({
      summary: 'Queues one reminder for each confirmed booking whose event starts soon',
      params: z.object({
        withinMs: z
          .int()
          .min(60_000)
          .default(24 * 3_600_000),
        limit: z.int().min(1).max(10_000).default(1_000),
      }),
      result: z.object({ queued: z.int(), more: z.boolean() }),
      errors: ['unavailable'],
      timeoutMs: 60_000,
    }),
  },
  events: {
    /** To every core node: wakes those who wait for this booking. Nothing depends on it. */
    'booking.changed': z.object({
      bookingId: id('booking'),
      eventId: id('event'),
      status: bookingStatus,
      version: z.int(),
    }),
    /** An invariant is broken or a refund has failed: a person must look. */
    'booking.alarm': z.object({
      bookingId: id('booking'),
      eventId: id('event'),
      alarm: z.string(),
    }),
  },
});

import { z } from 'zod';
import { eventInfoSchema, id, moneySchema, timestamp } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';
import { refundRulesSchema } from '#contracts/event-schemas.ts';
import { limits } from '#domain/limits.ts';

export const refundSchema = z.object({
  no: z.int().optional(),
  amount: moneySchema,
  status: z.enum(['none', 'pending', 'succeeded', 'failed']).describe('`none`: nothing is due'),
  to: z.enum(['card', 'voucher', 'cash']).optional(),
});

export const cancelledBooking = z.object({
  bookingId: id('booking'),
  status: z.enum(['cancelled', 'partially_refunded', 'refunded', 'cancel-requested']),
  refund: refundSchema.describe('What this cancellation returns'),
  kept: moneySchema.describe('What of the price of these tickets is not returned'),
});

export const ticketsToCancel = z
  .array(id('ticket'))
  .min(1)
  .max(limits.attendeesMax)
  .optional()
  .describe('Absent: all that are still valid');

/** What becomes known of a dispute. */
export const disputeNews = {
  /** The provider's id; what was once `won` or `lost` stays so. */
  disputeId: z.string().min(1).max(255),
  state: z.enum(['open', 'won', 'lost']),
  /** What the provider takes, minor units; absent: all that was captured and not returned. */
  amount: z.int().min(0).optional(),
};

/** What giving tickets of one booking back would come to. */
export const cancellationPreview = z.object({
  bookingId: id('booking'),
  refund: moneySchema.describe('What goes back if it is cancelled now'),
  kept: moneySchema,
  tickets: z.array(
    z.object({
      ticketId: id('ticket'),
      paid: moneySchema,
      returned: moneySchema,
      kept: moneySchema,
    }),
  ),
  discountLost: moneySchema.describe(
    'Taken off because too few tickets stay for the promo code; below 0: given back',
  ),
  basisPoints: z.int().describe('The part of the price that goes back: 10 000 is all'),
  feePerTicket: moneySchema,
  returnServiceFees: z.boolean(),
  reason: z
    .enum(['tier', 'too-late', 'postponed', 'waived'])
    .describe('`postponed`: all goes back because the event was put off'),
  until: timestamp.optional().describe('Until when that holds'),
  rules: refundRulesSchema.describe('What was promised at checkout'),
});

/** What support says of a cancellation for a buyer. */
export const supportOrder = {
  waiveRules: z
    .boolean()
    .default(false)
    .describe('Returns all that was paid, whatever the refund rules say'),
  reason: z.string().trim().min(1).max(500).describe('Kept in the audit log'),
};

const ticketId = 'tkt_[0-9A-Z]{52}';
export const supportHttp = {
  method: 'POST',
  access: 'user',
  idempotency: 'required',
  tag: 'Support',
} as const;
const onceErrors = ['idempotency-key-required', 'idempotency-key-reused'] as const;

/** Actions of the bookings service by which money goes back, beside the buyer's `cancel`. */
export const refundActions = {
  cancellation: action({
    summary: 'What a cancellation of my booking, or of some of its tickets, would return, and why',
    params: z.strictObject({
      bookingId: id('booking'),
      tickets: z
        .string()
        .regex(new RegExp(`^${ticketId}(,${ticketId}){0,${limits.attendeesMax - 1}}$`))
        .optional()
        .describe('Ids with commas between; absent: all that are still valid'),
    }),
    result: cancellationPreview,
    errors: ['unauthenticated', 'not-found', 'not-cancellable', 'unavailable'],
    http: {
      method: 'GET',
      path: '/v1/bookings/{bookingId}/cancellation',
      query: ['tickets'],
      success: 200,
      access: 'user',
      tag: 'Bookings',
    },
  }),
  supportRefund: action({
    summary: 'Returns money of a booking and leaves its tickets valid',
    params: z.strictObject({
      bookingId: id('booking'),
      amount: moneySchema.describe('At most what was paid and not given back'),
      reason: supportOrder.reason,
      bornBy: z
        .enum(['organizer', 'platform'])
        .default('organizer')
        .describe('Whose money it is; `platform` only for support'),
    }),
    result: z.object({
      bookingId: id('booking'),
      status: z.enum(['partially_refunded', 'cancelled', 'refunded']),
      refund: refundSchema,
    }),
    errors: [...onceErrors, 'forbidden', 'not-found', 'state-forbids', 'stale-version'],
    http: { ...supportHttp, path: '/v1/support/bookings/{bookingId}/refunds', success: 201 },
  }),
  supportCancel: action({
    summary: 'Cancels a booking, or some of its tickets, on behalf of its buyer',
    params: z.strictObject({
      bookingId: id('booking'),
      tickets: ticketsToCancel,
      ...supportOrder,
    }),
    result: cancelledBooking,
    errors: [...onceErrors, 'forbidden', 'not-found', 'not-cancellable', 'stale-version'],
    http: { ...supportHttp, path: '/v1/support/bookings/{bookingId}/cancel', success: 202 },
  }),
  eventChanged: action({
    summary:
      'Brings news of an event to all its bookings; it is taken once and then runs by itself',
    params: z.object({
      eventId: id('event'),
      /** Counts the event's news 1, 2, 3, … */
      no: z.int().min(1),
      news: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('cancelled') }),
        z.object({
          kind: z.literal('postponed'),
          no: z.int().min(1),
          event: eventInfoSchema,
          refundUntil: z.number().optional().describe('Epoch ms'),
        }),
      ]),
    }),
    result: z.object({ taken: z.literal(true) }),
    errors: ['unavailable'],
  }),
  eventCancellation: action({
    summary: 'How far the bookings of a cancelled event are cancelled and their money returned',
    params: z.strictObject({ eventId: id('event') }),
    result: z.object({
      eventId: id('event'),
      state: z.enum(['waiting', 'running', 'done']).describe('`waiting`: it has not begun yet'),
      total: z.int().describe('Bookings that had something to give back, or still have'),
      done: z.int().describe('Of these, with nothing left to do'),
      failed: z.int().describe('Of these, with a refund that the provider has failed for good'),
      disputed: z.int().describe('Of these, waiting for the end of a dispute'),
      refunded: moneySchema.describe('What buyers have back'),
      pending: moneySchema.describe('What is on its way to them'),
      startedAt: timestamp.optional(),
      finishedAt: timestamp.optional(),
    }),
    errors: ['unauthenticated', 'forbidden', 'not-found', 'unavailable'],
    http: {
      method: 'GET',
      path: '/v1/organizer/events/{eventId}/cancellation',
      success: 200,
      access: 'organizer',
      tag: 'Organizer events',
    },
  }),
  disputed: action({
    summary: "The buyer's bank disputes a payment of a booking: its tickets are frozen, or decided",
    params: z.object({
      bookingId: id('booking'),
      ...disputeNews,
    }),
    result: z.object({ known: z.boolean().describe('False: there is no such booking') }),
    /** `request-in-progress`: its capture is not settled here yet, ask again later. */
    errors: ['request-in-progress', 'stale-version', 'unavailable'],
  }),
};

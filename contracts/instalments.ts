import { z } from 'zod';
import { id, moneySchema, timestamp } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';
import { partsBounds, plansMax, retriesMax } from '#domain/instalment-plan.ts';

const minor = z.int().min(0).max(1_000_000_000);
const days = (max: number) => z.int().min(1).max(max);

/** A plan by which buyers may pay in parts, as organizers write it. */
const instalmentPlanSchema = z.strictObject({
  planId: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/)
    .describe('Your own name for it: small letters, digits, hyphens'),
  parts: z.int().min(partsBounds.min).max(partsBounds.max),
  firstBasisPoints: z.int().min(1).max(9_900).describe('Of the total, paid at checkout'),
  everyDays: days(366).optional().describe('From one part to the next; or `dates`'),
  dates: z
    .array(timestamp)
    .max(partsBounds.max - 1)
    .optional()
    .describe('When the parts after the first are due'),
  lastDueDaysBefore: z
    .int()
    .min(0)
    .max(366)
    .default(14)
    .describe('Before the event starts; at least the days of further tries'),
  minTotal: minor.default(0).describe('Minor units'),
  fee: minor.default(0).describe('Added to the total, minor units'),
  admitsBeforePaid: z.boolean().default(false).describe('Tickets open the door before all is paid'),
  retryAfterDays: z
    .array(days(30))
    .max(retriesMax)
    .default([3, 4])
    .describe('Days to wait after each failed charge; after the last the booking ends'),
  cancelFee: minor.default(0).describe('Kept when the booking ends unpaid, minor units'),
});

export const instalmentPlans = z
  .array(instalmentPlanSchema)
  .max(plansMax)
  .default([])
  .describe('Ways to pay in parts; a booking keeps the terms it was made under');

/** The instalments of a booking. */
export const instalmentsView = z.object({
  planId: z.string(),
  outstanding: moneySchema,
  admitsBeforePaid: z.boolean(),
  parts: z.array(
    z.object({
      no: z.int(),
      amount: moneySchema,
      dueAt: timestamp,
      status: z.enum(['paid', 'charging', 'due', 'failed', 'void']),
      nextTryAt: timestamp.optional().describe('While `failed`'),
    }),
  ),
});
export type InstalmentsView = z.infer<typeof instalmentsView>;

const offer = z.object({
  planId: z.string(),
  available: z.boolean(),
  reason: z.string().optional().describe('Why it is not'),
  fee: moneySchema,
  total: moneySchema.describe('With the fee'),
  admitsBeforePaid: z.boolean(),
  instalments: z.array(z.object({ no: z.int(), amount: moneySchema, dueAt: timestamp })),
});

const payment = z.strictObject({
  method: z.literal('card'),
  token: z.string().min(1).max(255).optional().describe('Payment-method id'),
  paymentMethodId: z.string().min(1).max(255).optional().describe('One that is saved'),
});

/** Actions of the bookings service about payment in parts. */
export const instalmentActions = <V extends z.ZodType>(view: V) => ({
  instalmentPlans: action({
    summary: 'How the held seats of mine could be paid in parts, with amounts and dates',
    params: z.strictObject({ reservationId: id('reservation') }),
    result: z.object({ reservationId: id('reservation'), plans: z.array(offer) }),
    errors: [
      'unauthenticated',
      'not-found',
      'reservation-expired',
      'reservation-released',
      'unavailable',
    ],
    http: {
      method: 'GET',
      path: '/v1/reservations/{reservationId}/instalment-plans',
      success: 200,
      access: 'user',
      tag: 'Bookings',
    },
  }),
  payInstalment: action({
    summary: 'Pays the instalments of my booking up to this one, now and with this card',
    params: z.strictObject({
      bookingId: id('booking'),
      no: z.coerce.number().int().min(partsBounds.min).max(partsBounds.max),
      payment,
    }),
    result: view,
    errors: [
      'idempotency-key-required',
      'idempotency-key-reused',
      'unauthenticated',
      'not-found',
      'state-forbids',
      'stale-version',
      'unavailable',
    ],
    http: {
      method: 'POST',
      path: '/v1/bookings/{bookingId}/instalments/{no}/pay',
      success: 202,
      access: 'user',
      idempotency: 'required',
      tag: 'Bookings',
    },
  }),
  dueInstalments: action({
    summary:
      'Announces and charges the instalments whose time has come, where no node has begun yet',
    params: z.object({ limit: z.int().min(1).max(10_000).default(1_000) }),
    result: z.object({ begun: z.int(), more: z.boolean() }),
    errors: ['unavailable'],
  }),
});

import { z } from 'zod';
import { id, moneySchema, seatSchema, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { limits } from '#domain/limits.ts';

const name = (what: string) => z.string().min(1).max(200).describe(what);
const quantity = z.int().min(1).max(limits.reservePlacesMax);

/** Chart ids, none twice. */
const seatIds = z
  .array(name('Seat id of the chart'))
  .min(1)
  .max(limits.reservePlacesMax)
  .superRefine((seats, ctx) => {
    const seen = new Set<string>();
    for (const [i, seat] of seats.entries()) {
      if (seen.has(seat)) {
        ctx.addIssue({ code: 'custom', path: [i], message: `seat ${seat} is named twice` });
      }
      seen.add(seat);
    }
  });

export const reserveParams = z.union([
  z.strictObject({ eventId: id('event'), seats: seatIds }),
  z.strictObject({
    eventId: id('event'),
    best: z
      .strictObject({
        quantity,
        section: name('Only in this section').optional(),
        category: name('Only of this category').optional(),
        maxPrice: z.int().min(0).optional().describe('Per ticket, in minor units'),
        accessible: z.boolean().optional(),
      })
      .describe('The best seats side by side'),
  }),
  z.strictObject({ eventId: id('event'), area: name('General-admission area'), quantity }),
]);

export const priceSchema = z.object({
  lines: z.array(
    z.object({
      category: z.string(),
      quantity: z.int(),
      unit: moneySchema.describe('Price of one ticket'),
      amount: moneySchema,
    }),
  ),
  discount: z
    .object({ code: z.string(), amount: moneySchema })
    .optional()
    .describe('What a promo code takes off the lines'),
  fees: moneySchema,
  taxes: moneySchema.describe('All taxes, contained in the lines or added'),
  total: moneySchema.describe('What is charged'),
});

const reservationView = z.object({
  reservationId: id('reservation'),
  eventId: id('event'),
  status: z.enum(['held', 'sold']),
  seats: z.array(seatSchema),
  price: priceSchema,
  expiresAt: timestamp,
  createdAt: timestamp,
  bookingId: id('booking').optional().describe('Set when sold'),
});

const waits = ['overloaded', 'moving', 'unavailable'] as const;
const gone = ['not-found', 'reservation-expired', 'reservation-released'] as const;
const reservationPath = '/v1/reservations/{reservationId}';
const byUser = { access: 'user', tag: 'Reservations' } as const;

/** Holds of seats, as buyers see them. The event's actor decides; nothing is kept here. */
export const reservationsContract = service({
  name: 'reservations',
  actions: {
    reserve: action({
      summary: 'Holds seats for the caller: chosen ones, the best together, or places of an area',
      params: reserveParams,
      result: reservationView,
      errors: [
        'unauthenticated',
        'idempotency-key-required',
        'idempotency-key-reused',
        'not-found',
        'seats-unavailable',
        'sold-out',
        'not-on-sale',
        'limit-exceeded',
        'queue-pass-required',
        'reservation-expired',
        'reservation-released',
        'outcome-unknown',
        ...waits,
      ],
      placement: 'local',
      http: {
        method: 'POST',
        path: '/v1/reserve',
        success: 200,
        idempotency: 'required',
        ...byUser,
      },
    }),
    get: action({
      summary: 'A reservation of mine',
      params: z.strictObject({ reservationId: id('reservation') }),
      result: reservationView,
      errors: ['unauthenticated', ...gone, ...waits],
      placement: 'local',
      http: { method: 'GET', path: reservationPath, success: 200, ...byUser },
    }),
    extend: action({
      summary: 'Gives a reservation more time, within the longest life of a hold',
      params: z.strictObject({ reservationId: id('reservation'), extend: z.literal(true) }),
      result: reservationView,
      errors: [
        'unauthenticated',
        'hold-not-extendable',
        'reservation-sold',
        'outcome-unknown',
        ...gone,
        ...waits,
      ],
      placement: 'local',
      http: {
        method: 'PATCH',
        path: reservationPath,
        success: 200,
        idempotency: 'accepted',
        ...byUser,
      },
    }),
    release: action({
      summary: 'Gives the seats of a reservation back; again: the same answer',
      params: z.strictObject({ reservationId: id('reservation') }),
      result: z.null(),
      errors: ['unauthenticated', 'reservation-sold', 'outcome-unknown', ...gone, ...waits],
      placement: 'local',
      http: { method: 'DELETE', path: reservationPath, success: 204, ...byUser },
    }),
  },
});

import { z } from 'zod';
import { bookingView } from '#contracts/bookings.contract.ts';
import { id, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { reserveParams } from '#contracts/reservations.contract.ts';
import { limits } from '#domain/limits.ts';

const counterHttp = { access: 'box-office', tag: 'Box office' } as const;
const bookingId = id('booking');
const [{ shape: bySeats }, { shape: byBest }, { shape: byArea }] = reserveParams.options;

const payment = z
  .discriminatedUnion('method', [
    z.strictObject({ method: z.literal('cash') }),
    z.strictObject({
      method: z.literal('complimentary'),
      reason: z.string().trim().min(1).max(200).describe('Why nothing is to be paid'),
    }),
  ])
  .describe('Cash in the till, or nothing is due');

const contact = z.strictObject({
  name: z.string().trim().min(1).max(200),
  email: z.email('must be an e-mail address').max(254).optional(),
});

const saleParams = z
  .strictObject({
    eventId: id('event'),
    seats: bySeats.seats.optional(),
    best: byBest.best.optional(),
    area: byArea.area.optional(),
    quantity: byArea.quantity.optional().describe('With `area`'),
    payment,
    buyer: contact.optional().describe('Tickets are sent to the address, if there is one'),
    note: z.string().max(500).optional(),
  })
  .superRefine(({ seats, best, area, quantity }, ctx) => {
    if ([seats, best, area].filter((asked) => asked !== undefined).length !== 1) {
      ctx.addIssue({ code: 'custom', path: ['seats'], message: 'give seats, best or area' });
    }
    if ((area === undefined) !== (quantity === undefined)) {
      ctx.addIssue({ code: 'custom', path: ['quantity'], message: 'goes with area' });
    }
  });

const minor = z.int();
const tillLine = z.object({
  staffId: id('user'),
  day: z.string().describe('YYYY-MM-DD in the zone that was asked for'),
  currency: z.string(),
  taken: minor.describe('Cash taken, minor units, as all amounts here'),
  paidOut: minor.describe('Cash given back'),
  balance: minor.describe('taken − paidOut: what the till must have more than before'),
  sales: minor,
  complimentary: z.object({
    sales: minor,
    tickets: minor,
    faceValue: minor.describe('What they would have cost'),
  }),
});

const errors = ['not-found', 'unavailable'] as const;

/** Over the counter: cash and complimentary tickets, sold by an organizer's own people. */
export const boxOfficeContract = service({
  name: 'box-office',
  actions: {
    sell: action({
      summary: 'Sells over the counter, also while the public sale is closed; tickets at once',
      params: saleParams,
      result: bookingView,
      errors: [
        'idempotency-key-required',
        'idempotency-key-reused',
        'seats-unavailable',
        'sold-out',
        'not-on-sale',
        'limit-exceeded',
        'reservation-expired',
        'outcome-unknown',
        'overloaded',
        'moving',
        ...errors,
      ],
      http: {
        method: 'POST',
        path: '/v1/organizer/events/{eventId}/sales',
        success: 201,
        idempotency: 'required',
        otherStatuses: { 202: 'It is still being sold: read the sale' },
        ...counterHttp,
      },
    }),
    sale: action({
      summary: 'A sale of this box office; `wait` holds the answer while it is worked on',
      params: z.strictObject({
        bookingId,
        wait: z.coerce.number().int().min(0).max(limits.longPollMaxSeconds).default(0),
      }),
      result: bookingView,
      errors,
      timeoutMs: (limits.longPollMaxSeconds + 5) * 1_000,
      http: {
        method: 'GET',
        path: '/v1/organizer/sales/{bookingId}',
        query: ['wait'],
        success: 200,
        ...counterHttp,
      },
    }),
    cancel: action({
      summary: 'Cancels tickets that were sold over the counter; cash is then to be paid out',
      params: z.strictObject({
        bookingId,
        tickets: z.array(id('ticket')).min(1).max(limits.attendeesMax).optional(),
      }),
      result: bookingView,
      errors: ['idempotency-key-required', 'not-cancellable', 'stale-version', ...errors],
      http: {
        method: 'POST',
        path: '/v1/organizer/sales/{bookingId}/cancel',
        success: 200,
        idempotency: 'required',
        ...counterHttp,
      },
    }),
    paidOut: action({
      summary: 'Notes that the buyer has the cash of a refund back; again: the same answer',
      params: z.strictObject({ bookingId, no: z.coerce.number().int().min(1) }),
      result: bookingView,
      errors: ['state-forbids', 'stale-version', ...errors],
      http: {
        method: 'POST',
        path: '/v1/organizer/sales/{bookingId}/refunds/{no}/paid-out',
        success: 200,
        idempotency: 'accepted',
        ...counterHttp,
      },
    }),
    till: action({
      summary: 'Cash taken and given back, by staff member and day; staff see their own',
      params: z.strictObject({
        organizerId: id('organizer').optional(),
        staffId: id('user').optional(),
        from: timestamp.optional(),
        to: timestamp.optional().describe('Does not belong to the period; default: now'),
        zone: z.string().max(60).default('UTC').describe('IANA time zone that the days are of'),
      }),
      result: z.object({ items: z.array(tillLine) }),
      errors: ['forbidden', ...errors],
      http: {
        method: 'GET',
        path: '/v1/organizer/till',
        query: ['organizerId', 'staffId', 'from', 'to', 'zone'],
        success: 200,
        ...counterHttp,
      },
    }),
  },
});

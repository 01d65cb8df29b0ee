import { z } from 'zod';
import { bookingView } from '#contracts/bookings.contract.ts';
import { id, moneySchema, seatSchema, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { offerCode, offerRefusals } from '#contracts/promotion-schemas.ts';
import { priceSchema, reserveParams } from '#contracts/reservations.contract.ts';
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

/** Which places, for whom, and the codes that the buyer brings. */
const wanted = {
  eventId: id('event'),
  seats: bySeats.seats.optional(),
  best: byBest.best.optional(),
  area: byArea.area.optional(),
  quantity: byArea.quantity.optional().describe('With `area`'),
  buyer: contact.optional().describe('Tickets are sent to the address, if there is one'),
  promoCode: offerCode.optional().describe('One with a limit per buyer needs the address'),
  voucher: offerCode.optional().describe('Code of a gift voucher; cash pays what it leaves'),
};
type Wanted = Readonly<Record<'seats' | 'best' | 'area' | 'quantity', unknown>>;

function oneChoice({ seats, best, area, quantity }: Partial<Wanted>, ctx: z.RefinementCtx): void {
  if ([seats, best, area].filter((asked) => asked !== undefined).length !== 1) {
    ctx.addIssue({ code: 'custom', path: ['seats'], message: 'give seats, best or area' });
  }
  if ((area === undefined) !== (quantity === undefined)) {
    ctx.addIssue({ code: 'custom', path: ['quantity'], message: 'goes with area' });
  }
}

const quoteParams = z.strictObject(wanted).superRefine(oneChoice);

const saleParams = z
  .strictObject({ ...wanted, payment, note: z.string().max(500).optional() })
  .superRefine((asked, ctx) => {
    oneChoice(asked, ctx);
    if (asked.payment.method === 'cash') return;
    for (const path of ['promoCode', 'voucher'] as const) {
      const message = 'nothing is to be paid: leave it away';
      if (asked[path] !== undefined) ctx.addIssue({ code: 'custom', path: [path], message });
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
  vouchers: z
    .object({ sales: minor, amount: minor })
    .describe('What gift vouchers have paid of the sales'),
  complimentary: z.object({
    sales: minor,
    tickets: minor,
    faceValue: minor.describe('What they would have cost'),
  }),
});

const errors = ['not-found', 'unavailable'] as const;
/** Why there is no hold, or none that can be priced. */
const unheld = [
  'seats-unavailable',
  'sold-out',
  'not-on-sale',
  'limit-exceeded',
  'reservation-expired',
  'reservation-released',
  'outcome-unknown',
  'overloaded',
  'moving',
] as const;

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
        ...unheld,
        ...offerRefusals,
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
    quote: action({
      summary:
        'What a sale would cost with these codes, and which places it would be; takes nothing',
      params: quoteParams,
      result: z.object({
        seats: z.array(seatSchema),
        price: priceSchema,
        voucher: moneySchema.optional().describe('What the voucher would pay of the total'),
        toPay: moneySchema.describe('What is left to be paid in cash'),
      }),
      errors: [...unheld, ...offerRefusals, ...errors],
      http: {
        method: 'POST',
        path: '/v1/organizer/events/{eventId}/sales/quote',
        success: 200,
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

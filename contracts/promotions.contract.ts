import { z } from 'zod';
import { id, moneySchema, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import {
  offerCode,
  offerRefusals,
  offersResult,
  promoFields,
  promoView,
  voucherView,
} from '#contracts/promotion-schemas.ts';
import { priceSchema } from '#contracts/reservations.contract.ts';

const organizerHttp = { access: 'organizer', tag: 'Promotions' } as const;
const promoPath = '/v1/organizer/promo-codes/{promoId}';
const organizerId = id('organizer')
  .optional()
  .describe('Needed only by who acts for several organizers');

/** The most vouchers one request issues. */
const vouchersAtOnceMax = 200;

/**
 * Promo codes and gift vouchers of organizers. What a booking takes of them is written by the
 * bookings, in their own transactions.
 */
export const promotionsContract = service({
  name: 'promotions',
  actions: {
    createPromo: action({
      summary: 'Creates a promo code; its case does not matter',
      params: z.strictObject({
        organizerId,
        code: offerCode.regex(/^[\p{L}\p{N}_.-]+$/u, 'letters, digits, dot, dash and underscore'),
        ...promoFields,
      }),
      result: promoView,
      errors: ['forbidden', 'not-found', 'promo-code-taken'],
      http: {
        method: 'POST',
        path: '/v1/organizer/promo-codes',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
      },
    }),
    promos: action({
      summary: 'Promo codes of the organizers the caller acts for, newest first',
      params: z.strictObject(pageParams),
      result: page(promoView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/promo-codes',
        query: ['limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    promo: action({
      summary: "One of the caller's promo codes, and how often it was used",
      params: z.strictObject({ promoId: id('promo') }),
      result: promoView,
      errors: ['not-found'],
      http: { method: 'GET', path: promoPath, success: 200, ...organizerHttp },
    }),
    patchPromo: action({
      summary:
        'Changes a promo code for bookings to come; refused when `version` is not the newest',
      params: z.strictObject({
        promoId: id('promo'),
        version: z.int().min(1),
        ...patchable(),
      }),
      result: promoView,
      errors: ['not-found', 'stale-version'],
      http: { method: 'PATCH', path: promoPath, success: 200, ...organizerHttp },
    }),
    disablePromo: action({
      summary: 'Switches a promo code off for bookings to come; again: the same answer',
      params: z.strictObject({ promoId: id('promo') }),
      result: promoView,
      errors: ['not-found', 'stale-version'],
      http: { method: 'POST', path: `${promoPath}/disable`, success: 200, ...organizerHttp },
    }),
    issueVouchers: action({
      summary: 'Issues gift vouchers; their secret codes are answered this once and not kept',
      params: z.strictObject({
        organizerId,
        amount: z.int().min(1).max(100_000_000).describe('Minor units'),
        currency: z.string().regex(/^[A-Z]{3}$/),
        count: z.int().min(1).max(vouchersAtOnceMax).default(1),
      }),
      result: z.object({
        vouchers: z.array(
          voucherView.extend({
            code: z.string().optional().describe('Absent when the answer is told again'),
          }),
        ),
      }),
      errors: ['forbidden', 'not-found', 'unavailable'],
      http: {
        method: 'POST',
        path: '/v1/organizer/vouchers',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
      },
    }),
    vouchers: action({
      summary: 'Gift vouchers of the organizers the caller acts for, newest first, without codes',
      params: z.strictObject(pageParams),
      result: page(voucherView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/vouchers',
        query: ['limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    disableVoucher: action({
      summary: 'Switches a gift voucher off: nothing more is paid with it',
      params: z.strictObject({ voucherId: id('voucher') }),
      result: voucherView,
      errors: ['not-found', 'stale-version'],
      http: {
        method: 'POST',
        path: '/v1/organizer/vouchers/{voucherId}/disable',
        success: 200,
        ...organizerHttp,
      },
    }),
    balance: action({
      summary: 'What is left on the gift voucher with this code',
      params: z.strictObject({ code: offerCode }),
      result: z.object({ balance: moneySchema, issued: moneySchema, disabled: z.boolean() }),
      errors: ['unauthenticated', 'voucher-unknown', 'unavailable'],
      http: {
        method: 'POST',
        path: '/v1/vouchers/balance',
        success: 200,
        access: 'user',
        tag: 'Promotions',
      },
    }),
    quote: action({
      summary: 'What a promo code or voucher would make of a reservation’s price; takes nothing',
      params: z.strictObject({
        reservationId: id('reservation'),
        promoCode: offerCode.optional(),
        voucher: offerCode.optional(),
      }),
      result: z.object({
        reservationId: id('reservation'),
        price: priceSchema,
        voucher: moneySchema.optional().describe('What the voucher would pay of the total'),
        toPay: moneySchema.describe('What is left for a card'),
        expiresAt: timestamp.describe('Of the reservation'),
      }),
      errors: [
        'unauthenticated',
        'not-found',
        'reservation-expired',
        'reservation-released',
        ...offerRefusals,
        'unavailable',
      ],
      http: {
        method: 'POST',
        path: '/v1/reservations/{reservationId}/quote',
        success: 200,
        access: 'user',
        tag: 'Promotions',
      },
    }),
    offers: action({
      summary: 'The rule behind a promo code and the voucher behind a code, for a checkout',
      params: z.object({
        eventId: id('event'),
        buyerId: z.string().describe('Whose uses of the code are counted'),
        promoCode: z.string().optional(),
        voucher: z.string().optional(),
      }),
      result: offersResult,
      errors: ['unavailable'],
    }),
  },
});

/** Every field on its own, without the defaults that creating fills in. */
function patchable() {
  const { ticketsMin, ...plain } = promoFields;
  return {
    ...z.strictObject(plain).partial().shape,
    ticketsMin: ticketsMin.unwrap().optional(),
  };
}

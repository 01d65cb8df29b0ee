import { z } from 'zod';
import {
  cancellationPreview,
  disputeNews,
  supportHttp,
  supportOrder,
} from '#contracts/booking-refunds.ts';
import { bookingStatus, checkoutPayment, paidRecord } from '#contracts/bookings.contract.ts';
import { id, moneySchema, page, pageParams, seatSchema, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import {
  packageInput,
  packagePatch,
  packageView,
  publicPackage,
  publicPackageDetail,
} from '#contracts/package-schemas.ts';
import { intentStatus } from '#contracts/payments.contract.ts';
import { offerCode, offerRefusals } from '#contracts/promotion-schemas.ts';
import { limits } from '#domain/limits.ts';

export const bundleStatus = z.enum(['holding', 'held', 'released', ...bookingStatus.options]);

const refundSchema = z.object({
  amount: moneySchema,
  status: z.enum(['none', 'pending', 'succeeded', 'failed']).describe('`none`: nothing is due'),
});

const bundlePrice = z.object({
  separately: moneySchema,
  discount: moneySchema.describe('What the package takes off'),
  promo: z
    .object({ code: z.string(), amount: moneySchema })
    .optional()
    .describe('What a promo code takes off beside it, taxes included'),
  total: moneySchema,
});

const bundleView = z.object({
  bundleId: id('bundle'),
  packageId: id('package'),
  name: z.string(),
  status: bundleStatus,
  /** Why it ended without a sale or was undone. */
  reason: z.string().optional(),
  quantity: z.int(),
  events: z.array(
    z.object({
      eventId: id('event'),
      reservationId: id('reservation'),
      seats: z.array(seatSchema),
      separately: moneySchema.describe('These tickets by themselves'),
      total: moneySchema.describe('Their part of the price of the package'),
      /** From the checkout on. */
      booking: z.object({ bookingId: id('booking'), status: bookingStatus }).optional(),
    }),
  ),
  price: bundlePrice,
  voucher: moneySchema.optional().describe('What a gift voucher pays of the total'),
  payment: z
    .object({
      status: z.enum([...intentStatus.options, 'not_required']),
      clientSecret: z.string().optional(),
      nextActionUrl: z.string().optional(),
      declineCode: z.string().optional(),
    })
    .optional()
    .describe('From the checkout on; one for all events'),
  expiresAt: timestamp.describe('When the first of its holds ends'),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type BundleView = z.infer<typeof bundleView>;

const cancelledBundle = z.object({
  bundleId: id('bundle'),
  status: z.enum(['cancelled', 'cancel-requested']),
  refund: refundSchema.describe('What this cancellation returns'),
});

const noPlan =
  'a package is paid at once: leave it away, or book the events one by one to pay those in parts';
const offerCodes = {
  promoCode: offerCode.optional(),
  voucher: offerCode.optional().describe('Code of a gift voucher'),
} as const;
const organizerHttp = { access: 'organizer', tag: 'Packages' } as const;
const buyerHttp = { access: 'user', tag: 'Packages' } as const;
const bundleId = id('bundle');
const packageId = id('package');
const orderPath = '/v1/bundle-orders/{bundleId}';
const keyed = ['unauthenticated', 'idempotency-key-required', 'idempotency-key-reused'] as const;

/**
 * Packages (an organizer's offer of several events) and bundles (one buyer's order of one): all of
 * its events are held, sold and paid, or none.
 */
export const bundlesContract = service({
  name: 'bundles',
  actions: {
    createPackage: action({
      summary: 'Offers several events of one organizer, in one currency, at one price',
      params: packageInput,
      result: packageView,
      errors: ['not-found', 'state-forbids'],
      http: {
        method: 'POST',
        path: '/v1/organizer/bundles',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
      },
    }),
    patchPackage: action({
      summary: 'Changes or disables a package; what is reserved keeps its price',
      params: packagePatch,
      result: packageView,
      errors: ['not-found', 'stale-version'],
      http: {
        method: 'PATCH',
        path: '/v1/organizer/bundles/{packageId}',
        success: 200,
        ...organizerHttp,
      },
    }),
    organizerPackages: action({
      summary: 'Packages of the organizers the caller acts for, newest first',
      params: z.strictObject(pageParams),
      result: page(packageView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/bundles',
        query: ['limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    listPackages: action({
      summary: 'Packages that are not over, newest first',
      params: z.strictObject({ organizerId: id('organizer').optional(), ...pageParams }),
      result: page(publicPackage),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/bundles',
        query: ['organizerId', 'limit', 'cursor'],
        success: 200,
        access: 'public',
        tag: 'Packages',
        cacheControl: 'public, max-age=5',
      },
    }),
    showPackage: action({
      summary: 'A package with its events, their free seats and its price',
      params: z.strictObject({ packageId }),
      result: publicPackageDetail,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/bundles/{packageId}',
        success: 200,
        access: 'public',
        tag: 'Packages',
        cacheControl: 'public, max-age=2',
      },
    }),
    reserve: action({
      summary: 'Holds tickets of every event of a package, or of none',
      params: z.strictObject({
        packageId,
        quantity: z
          .int()
          .min(1)
          .max(limits.ticketsPerBuyerAndEvent)
          .describe('Packages, each with one ticket of every event'),
        seats: z
          .record(id('event'), z.array(z.string().min(1).max(200)).min(1))
          .optional()
          .describe('Chosen ones, `quantity` of an event; the best side by side elsewhere'),
      }),
      result: bundleView,
      errors: [
        ...keyed,
        'not-found',
        'not-on-sale',
        'sold-out',
        'seats-unavailable',
        'limit-exceeded',
        'queue-pass-required',
        'state-forbids',
        'request-in-progress',
        'outcome-unknown',
        'overloaded',
        'moving',
        'unavailable',
      ],
      timeoutMs: limits.bundleHoldMs,
      http: {
        method: 'POST',
        path: '/v1/bundles/{packageId}/reserve',
        success: 200,
        idempotency: 'required',
        ...buyerHttp,
      },
    }),
    read: action({
      summary: 'A bundle of mine; `wait` holds the answer until its status changes',
      params: z.strictObject({
        bundleId,
        wait: z.coerce.number().int().min(0).max(limits.longPollMaxSeconds).default(0),
      }),
      result: bundleView,
      errors: ['unauthenticated', 'not-found', 'unavailable'],
      timeoutMs: (limits.longPollMaxSeconds + 5) * 1_000,
      http: { method: 'GET', path: orderPath, query: ['wait'], success: 200, ...buyerHttp },
    }),
    release: action({
      summary: 'Gives the seats of a bundle back that was not ordered; again: the same answer',
      params: z.strictObject({ bundleId }),
      result: z.null(),
      errors: ['unauthenticated', 'not-found', 'already-booked', 'stale-version', 'unavailable'],
      http: { method: 'DELETE', path: orderPath, success: 204, ...buyerHttp },
    }),
    quote: action({
      summary: 'What codes would make of the price of what a bundle holds; takes nothing',
      params: z.strictObject({ bundleId, ...offerCodes }),
      result: z.object({
        bundleId,
        price: bundlePrice,
        events: z.array(z.object({ eventId: id('event'), total: moneySchema })),
        voucher: moneySchema.optional().describe('What the voucher would pay of the total'),
        toPay: moneySchema.describe('What is left for a card'),
        expiresAt: timestamp.describe('When the first of its holds ends'),
      }),
      errors: [
        'unauthenticated',
        'not-found',
        'already-booked',
        'reservation-expired',
        'reservation-released',
        ...offerRefusals,
        'unavailable',
      ],
      http: { method: 'POST', path: `${orderPath}/quote`, success: 200, ...buyerHttp },
    }),
    checkout: action({
      summary: 'Orders what a bundle holds with one payment, or tries another after a decline',
      params: z.strictObject({
        bundleId,
        payment: checkoutPayment
          .extend({ plan: z.never({ error: noPlan }).optional().describe(noPlan) })
          .optional()
          .describe('As with a checkout of one event; required unless nothing is left to pay'),
        equalSeats: z.boolean().default(false).describe('As with a single checkout, per event'),
        attendees: z
          .array(z.strictObject({ name: z.string().min(1).max(200) }))
          .max(limits.ticketsPerBuyerAndEvent)
          .default([])
          .describe('The same people at every event'),
        ...offerCodes,
      }),
      result: z.object({
        bundleId,
        status: bookingStatus,
        bookings: z.array(z.object({ eventId: id('event'), bookingId: id('booking') })),
      }),
      errors: [
        ...keyed,
        'not-found',
        'checkout-in-progress',
        'already-booked',
        'reservation-expired',
        'reservation-released',
        ...offerRefusals,
        'overloaded',
        'unavailable',
      ],
      http: {
        method: 'POST',
        path: '/v1/bundles/checkout',
        success: 202,
        idempotency: 'required',
        shownBy: { action: 'bundles.read', id: 'bundleId' },
        ...buyerHttp,
      },
    }),
    cancel: action({
      summary: 'Cancels a whole bundle and returns what was paid for it',
      params: z.strictObject({ bundleId }),
      result: cancelledBundle,
      errors: [...keyed, 'not-found', 'not-cancellable', 'stale-version', 'unavailable'],
      http: {
        method: 'POST',
        path: `${orderPath}/cancel`,
        success: 202,
        idempotency: 'required',
        ...buyerHttp,
      },
    }),
    cancellation: action({
      summary: 'What a cancellation of my bundle would return now, and why, event by event',
      params: z.strictObject({ bundleId }),
      result: z.object({
        bundleId,
        refund: moneySchema,
        kept: moneySchema,
        events: z.array(cancellationPreview.extend({ eventId: id('event') })),
      }),
      errors: ['unauthenticated', 'not-found', 'not-cancellable', 'unavailable'],
      http: { method: 'GET', path: `${orderPath}/cancellation`, success: 200, ...buyerHttp },
    }),
    supportCancel: action({
      summary: 'Cancels a whole bundle on behalf of its buyer',
      params: z.strictObject({ bundleId, ...supportOrder }),
      result: cancelledBundle,
      errors: [...keyed, 'forbidden', 'not-found', 'not-cancellable', 'stale-version'],
      http: { ...supportHttp, path: `/v1/support/bundle-orders/{bundleId}/cancel`, success: 202 },
    }),
    paymentChanged: action({
      summary: 'The provider has news of a bundle: it is looked at again at once',
      params: z.object({ bundleId }),
      result: z.object({ known: z.boolean() }),
      errors: ['unavailable'],
    }),
    disputed: action({
      summary: "The buyer's bank disputes the payment of a bundle: each of its bookings is told",
      params: z.object({
        bundleId,
        ...disputeNews,
      }),
      result: z.object({ known: z.boolean().describe('False: there is no such bundle') }),
      errors: ['request-in-progress', 'stale-version', 'unavailable'],
    }),
    byPayment: action({
      summary: 'What the books say of the intent of a bundle: of all its bookings together',
      params: z.object({
        intentId: z.string(),
        bundleId: bundleId.optional().describe('Whose it is if no attempt has it'),
      }),
      result: z.object({
        bundle: z
          .object({
            ...paidRecord,
            bookingId: bundleId.describe('As the payment names it'),
          })
          .nullable(),
      }),
      errors: ['unavailable'],
    }),
  },
  events: {
    /** To all nodes, for requests that wait. */
    'bundle.changed': z.object({ bundleId, status: bundleStatus }),
  },
});

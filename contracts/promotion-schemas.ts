import { z } from 'zod';
import { id, timestamp } from '#contracts/common.ts';
import { limits } from '#domain/limits.ts';

/** How a checkout is told that a promo code or a voucher is of no use to it. */
export const offerRefusals = [
  'promo-code-unknown',
  'promo-code-inactive',
  'promo-code-not-applicable',
  'promo-code-used-up',
  'voucher-unknown',
  'voucher-not-applicable',
  'voucher-used-up',
] as const;

/** A promo code, or the code of a gift voucher, as somebody brings or gives it. */
export const offerCode = z.string().trim().min(1).max(64);

const amount = z.int().min(1).max(1_000_000_000).describe('Minor units');

const off = z
  .discriminatedUnion('by', [
    z.strictObject({
      by: z.literal('percent'),
      basisPoints: z.int().min(1).max(10_000).describe('1000 = 10 %'),
    }),
    z.strictObject({ by: z.literal('per-ticket'), amount }),
    z.strictObject({ by: z.literal('per-booking'), amount }),
  ])
  .describe('Taken off the ticket prices, never more than they are; fees stay');

const uses = z.int().min(1).max(10_000_000).nullable().optional();

/** What an organizer says of a promo code; null takes a bound away. */
export const promoFields = {
  off,
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullable()
    .optional()
    .describe('Of an amount; a percentage needs none'),
  eventIds: z
    .array(id('event'))
    .min(1)
    .max(500)
    .nullable()
    .optional()
    .describe('Only these events'),
  categories: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(200)
    .nullable()
    .optional()
    .describe('Only tickets of these price categories'),
  validFrom: timestamp.nullable().optional(),
  validTo: timestamp.nullable().optional().describe('The first moment at which it is over'),
  redemptionsMax: uses.describe('Bookings in all'),
  perBuyerMax: uses.describe('Bookings of one buyer'),
  ticketsMin: z.int().min(1).max(limits.reservePlacesMax).default(1),
};

export const promoView = z.object({
  promoId: id('promo'),
  organizerId: id('organizer'),
  code: z.string(),
  ...promoFields,
  ticketsMin: z.int(),
  disabled: z.boolean(),
  used: z.int().describe('Bookings under way or sold; those that ended unsold are given back'),
  version: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type PromoView = z.infer<typeof promoView>;

export const voucherView = z.object({
  voucherId: id('voucher'),
  organizerId: id('organizer'),
  currency: z.string(),
  amount: z.int().describe('Issued for, minor units'),
  balance: z.int().describe('Neither spent nor set aside'),
  disabled: z.boolean(),
  createdAt: timestamp,
});
export type VoucherView = z.infer<typeof voucherView>;

const bound = z.int().nullable();

/** As `checkoutPrice` takes it: null for a code that the organizer does not have. */
export const offersResult = z.object({
  promo: z
    .object({
      rule: z.object({
        promoId: id('promo'),
        organizerId: id('organizer'),
        code: z.string(),
        off,
        currency: z.string().nullable(),
        eventIds: z.array(z.string()).nullable(),
        categories: z.array(z.string()).nullable(),
        validFrom: bound,
        validTo: bound,
        redemptionsMax: bound,
        perBuyerMax: bound,
        ticketsMin: z.int(),
        disabled: z.boolean(),
      }),
      uses: z.object({ inAll: z.int(), byBuyer: z.int() }),
    })
    .nullable()
    .optional(),
  voucher: voucherView.omit({ createdAt: true }).nullable().optional(),
});

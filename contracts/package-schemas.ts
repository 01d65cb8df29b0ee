import { z } from 'zod';
import { countsSchema, id, moneySchema, timestamp } from '#contracts/common.ts';
import { saleStates } from '#domain/event.ts';
import { limits } from '#domain/limits.ts';

const amount = z.int().min(0).max(1_000_000_000);
const discount = z.int().min(1).max(10_000).describe('250 = 2.5 % off what the tickets cost');
const fixedPrice = amount.describe('Of one package, fees and taxes included, in minor units');

const packageEvent = z.strictObject({
  eventId: id('event'),
  category: z.string().min(1).max(100).optional().describe('Only tickets of this category'),
});

/** What an organizer says of a package. One of the two prices is there. */
const fields = {
  name: z.string().trim().min(1).max(200),
  description: z.string().max(5_000).optional(),
  discountBasisPoints: discount.optional(),
  fixedPrice: fixedPrice.optional(),
  sale: z
    .strictObject({ opensAt: timestamp.optional(), closesAt: timestamp.optional() })
    .default({})
    .describe("Absent: as long as its events' own sales"),
  limit: z
    .int()
    .min(1)
    .max(10_000_000)
    .nullable()
    .default(null)
    .describe('So many may be reserved or sold; null: as many as there are seats'),
  divisible: z
    .boolean()
    .default(false)
    .describe('Buyers may cancel one event of it, or single tickets'),
};

const onePrice = {
  message: 'either discountBasisPoints or fixedPrice, not both',
  path: ['fixedPrice'],
};

export const packageInput = z
  .strictObject({
    events: z.array(packageEvent).min(limits.packageEventsMin).max(limits.packageEventsMax),
    ...fields,
  })
  .refine((p) => (p.discountBasisPoints === undefined) !== (p.fixedPrice === undefined), onePrice);

export const packagePatch = z
  .strictObject({
    packageId: id('package'),
    version: z.int().min(1),
    name: fields.name.optional(),
    description: fields.description,
    discountBasisPoints: discount.optional(),
    fixedPrice: fixedPrice.optional(),
    sale: fields.sale.unwrap().optional(),
    limit: fields.limit.unwrap().optional(),
    divisible: z.boolean().optional(),
    disabled: z.boolean().optional().describe('True: no more of it are reserved'),
  })
  .refine((p) => p.discountBasisPoints === undefined || p.fixedPrice === undefined, onePrice);

/** A package as its organizer sees it. */
export const packageView = z.object({
  packageId: id('package'),
  organizerId: id('organizer'),
  name: fields.name,
  description: fields.description,
  currency: z.string(),
  events: z.array(packageEvent),
  discountBasisPoints: discount.optional(),
  fixedPrice: fixedPrice.optional(),
  sale: z.object({ opensAt: timestamp.optional(), closesAt: timestamp.optional() }),
  limit: z.int().nullable(),
  taken: z.int().describe('Reserved and sold ones'),
  divisible: z.boolean(),
  disabled: z.boolean(),
  version: z.int().describe('Send it back with a change'),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type PackageView = z.infer<typeof packageView>;

/** A package as the public sees it. */
export const publicPackage = z.object({
  packageId: id('package'),
  organizerId: id('organizer'),
  name: z.string(),
  description: z.string().optional(),
  state: z.enum(['on-sale', 'scheduled', 'closed', 'sold-out']),
  sale: z.object({ opensAt: timestamp.optional(), closesAt: timestamp.optional() }),
  discountBasisPoints: z.int().optional(),
  fixedPrice: moneySchema.optional(),
  left: z.int().nullable().describe('How many may still be had; null: no limit'),
  divisible: z.boolean(),
  events: z.array(packageEvent),
});

/** Beside it each event, and what one package costs at least. */
export const publicPackageDetail = publicPackage.extend({
  events: z.array(
    packageEvent.extend({
      title: z.string(),
      startsAt: timestamp,
      zone: z.string(),
      venue: z.string(),
      saleState: z.enum(saleStates),
      counts: countsSchema.nullable().describe('null while the seats cannot be reached'),
      from: moneySchema.describe('One ticket by itself, fees and taxes included'),
    }),
  ),
  price: z
    .object({ separately: moneySchema, total: moneySchema })
    .describe('Of one package with the cheapest tickets'),
});
export type PublicPackageDetail = z.infer<typeof publicPackageDetail>;

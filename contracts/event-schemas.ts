import { z } from 'zod';
import { countsSchema, id, moneySchema, timestamp } from '#contracts/common.ts';
import { instalmentPlans } from '#contracts/instalments.ts';
import { priceRule } from '#contracts/price-rules.ts';
import { publicVenue } from '#contracts/venues.contract.ts';
import { eventCategories, eventStatuses, saleChannels, saleStates } from '#domain/event.ts';
import { limits } from '#domain/limits.ts';
import { defaultRefundRules, refundTiersMax } from '#domain/refund-rules.ts';

const amount = z.int().min(0).max(1_000_000_000);

const fee = z.strictObject({
  name: z.string().min(1).max(100),
  perTicket: amount.default(0).describe('Minor units'),
  basisPoints: z.int().min(0).max(10_000).default(0).describe('Of the ticket price: 250 = 2.5 %'),
});

const tax = z.strictObject({
  name: z.string().min(1).max(100),
  basisPoints: z.int().min(0).max(10_000),
  included: z.boolean().default(true).describe('The prices contain it already'),
});

/** What an organizer returns for tickets that buyers give back. */
export const refundRulesSchema = z.strictObject({
  tiers: z
    .array(
      z.strictObject({
        untilHoursBefore: z.int().min(0).max(100_000).describe('Hours before the start'),
        basisPoints: z.int().min(0).max(10_000).describe('Of what was paid: 10 000 is all'),
      }),
    )
    .max(refundTiersMax)
    .describe('That with the most hours whose moment has not passed holds; none: nothing returns'),
  feePerTicket: amount.default(0).describe('Kept of each ticket, minor units'),
  returnServiceFees: z.boolean().default(true),
});

/** What an organizer says of an event; the same fields are read back. */
export const eventFields = {
  title: z.string().trim().min(1).max(200),
  description: z.string().max(20_000).optional(),
  category: z.enum(eventCategories),
  performers: z.array(z.string().trim().min(1).max(200)).max(100).default([]),
  ageLimit: z.int().min(0).max(99).optional().describe('Years'),
  startsAt: timestamp,
  endsAt: timestamp,
  doorsAt: timestamp.optional(),
  zone: z.string().max(60).describe('IANA time zone, e.g. Europe/Vienna'),
  currency: z.string().regex(/^[A-Z]{3}$/),
  prices: z
    .array(z.strictObject({ category: z.string().min(1).max(100), amount }))
    .min(1)
    .max(200)
    .describe("One for each of the chart's categories, in minor units"),
  pricing: z
    .array(priceRule)
    .max(200)
    .default([])
    .describe('How prices move by themselves while the event is on sale; none: they do not'),
  fees: z.array(fee).max(20).default([]),
  taxes: z.array(tax).max(20).default([]),
  sale: z
    .strictObject({ opensAt: timestamp.optional(), closesAt: timestamp.optional() })
    .default({})
    .describe('Absent: opens when published; closes when the event ends'),
  limits: z
    .strictObject({
      ticketsPerBuyer: z.int().min(1).max(limits.ticketsPerBuyerAndEvent).optional(),
      liveHoldsPerBuyer: z.int().min(1).max(limits.liveHoldsPerBuyerAndEvent).optional(),
      holdTtlSeconds: z
        .int()
        .min(60)
        .max(limits.holdTtlMs / 1_000)
        .optional(),
    })
    .default({})
    .describe("May only lower the system's own"),
  channels: z
    .array(z.enum(saleChannels))
    .max(saleChannels.length)
    .default([...saleChannels])
    .describe('`public`: buyers themselves; `box-office`: over the counter, whatever `sale` says'),
  instalmentPlans,
  refundRules: refundRulesSchema
    .default({ ...defaultRefundRules, tiers: [...defaultRefundRules.tiers] })
    .describe('Held to for whoever buys under them; absent: all until the start'),
};

const postponedSchema = z
  .object({ from: timestamp, refundUntil: timestamp.optional() })
  .optional()
  .describe('It was put off: when it had started before, until when all is returned for tickets');

/** An event as its organizer sees it. */
export const eventView = z.object({
  eventId: id('event'),
  organizerId: id('organizer'),
  venueId: id('venue'),
  chartId: id('chart'),
  chartVersion: z.int(),
  places: z.int(),
  status: z.enum(eventStatuses),
  version: z.int().describe('Send it back with a change'),
  ...eventFields,
  postponed: postponedSchema,
  inventory: z
    .object({ sent: z.int(), applied: z.int() })
    .describe('Versions of the changes made to the seats: the last made, the last in force'),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type EventView = z.infer<typeof eventView>;

/** An event as the public sees it. */
export const publicEvent = z.object({
  eventId: id('event'),
  title: z.string(),
  description: z.string().optional(),
  category: z.enum(eventCategories),
  performers: z.array(z.string()),
  ageLimit: z.int().optional(),
  startsAt: timestamp,
  endsAt: timestamp,
  doorsAt: timestamp.optional(),
  zone: z.string(),
  organizerId: id('organizer'),
  venue: publicVenue,
  status: z.enum(eventStatuses),
  saleState: z.enum(saleStates),
  sale: z.object({ opensAt: timestamp.optional(), closesAt: timestamp.optional() }),
  currency: z.string(),
  prices: z.array(
    z.object({ category: z.string(), color: z.string().optional(), price: moneySchema }),
  ),
  fees: z.array(fee),
  taxes: z.array(tax),
  limits: z.object({ ticketsPerBuyer: z.int(), holdTtlSeconds: z.int() }),
  refundRules: refundRulesSchema,
  postponed: postponedSchema,
  instalmentPlans,
  chartVersion: z.int(),
  places: z.int(),
  counts: countsSchema.nullable().describe('null while the seats cannot be reached'),
});
export type PublicEvent = z.infer<typeof publicEvent>;

/** An event in a list. */
export const eventCard = publicEvent.pick({
  eventId: true,
  title: true,
  category: true,
  performers: true,
  startsAt: true,
  endsAt: true,
  zone: true,
  status: true,
  saleState: true,
});

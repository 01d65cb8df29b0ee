import { z } from 'zod';
import { moneySchema, timestamp } from '#contracts/common.ts';

const amount = z.int().min(0).max(1_000_000_000).describe('Minor units');
const basisPoints = z
  .int()
  .min(-10_000)
  .max(100_000)
  .describe('Of the base price: 1000 = 10 % more, −500 = 5 % less');

/** How the price of a category moves by itself while it is on sale. */
export const priceRule = z.strictObject({
  category: z.string().min(1).max(100),
  base: amount.describe('What the steps are reckoned from, minor units'),
  floor: amount,
  ceiling: amount,
  bySold: z
    .array(z.strictObject({ from: z.int().min(0).max(10_000), basisPoints }))
    .max(50)
    .default([])
    .describe('Ascending; `from`: basis points of the category that are sold'),
  byTime: z
    .array(z.strictObject({ hours: z.number().min(0).max(100_000), basisPoints }))
    .max(50)
    .default([])
    .describe('Descending; `hours`: no more than these are left to the beginning'),
  roundTo: z.int().min(1).max(1_000_000).default(1).describe('Minor units'),
  manual: amount.nullable().optional().describe('This price, whatever the steps say'),
});

const reason = z.object({
  by: z.enum(['base', 'manual', 'sold', 'time', 'rounding', 'floor', 'ceiling', 'organizer']),
  amount: z.int().describe('What the price was after it, minor units'),
  says: z.string(),
});

/** Prices of an event that changed in one moment, and why. */
export const priceChange = z.object({
  at: timestamp,
  by: z.string().describe('The user, or `system` for the rules'),
  version: z.int().describe('The version of the event that it made'),
  prices: z.array(
    z.object({
      category: z.string(),
      from: moneySchema,
      to: moneySchema,
      because: z.array(reason),
    }),
  ),
});

import { z } from 'zod';
import { id, moneySchema, page, pageParams, timestamp } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';

const disputeState = z.enum(['inquiry', 'open', 'won', 'lost']);

const disputeView = z.object({
  disputeId: z.string(),
  bookingId: z.string().nullable().describe('A booking, or the bundle that was paid at once'),
  intentId: z.string().nullable(),
  amount: moneySchema,
  reason: z.string().describe("The bank's: `fraudulent`, `product_not_received`, …"),
  state: disputeState.describe('`inquiry`: the bank only asks, no money has gone'),
  status: z.string().describe("The provider's own word"),
  openedAt: timestamp,
  changedAt: timestamp,
});

/** What support and operators do about payments. */
export const paymentSupportActions = {
  disputes: action({
    summary: 'Disputes of payments by the banks of buyers, newest first',
    params: z.strictObject({
      state: disputeState.optional(),
      bookingId: z.union([id('booking'), id('bundle')]).optional(),
      ...pageParams,
    }),
    result: page(disputeView),
    errors: ['unauthenticated', 'forbidden', 'unavailable'],
    http: {
      method: 'GET',
      path: '/v1/support/disputes',
      query: ['state', 'bookingId', 'limit', 'cursor'],
      success: 200,
      access: 'support',
      tag: 'Support',
    },
  }),
  catchUp: action({
    summary: "Takes in the provider's events whose webhooks did not reach us",
    params: z.object({}),
    result: z.object({
      /** Events that were not here yet. */
      taken: z.int(),
      /** The time did not suffice: the next run goes on. */
      more: z.boolean(),
    }),
    errors: ['payment-provider-unavailable', 'unavailable'],
    timeoutMs: 60_000,
  }),
};

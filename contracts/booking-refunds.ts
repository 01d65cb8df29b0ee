import { z } from 'zod';
import { id } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';

/** Actions of the bookings service by which money goes back other than at its buyer's wish. */
export const disputeActions = {
  disputed: action({
    summary: "The buyer's bank disputes a payment of a booking: its tickets are frozen, or decided",
    params: z.object({
      bookingId: id('booking'),
      /** The provider's id; what was once `won` or `lost` stays so. */
      disputeId: z.string().min(1).max(255),
      state: z.enum(['open', 'won', 'lost']),
      /** What the provider takes, minor units; absent: all that was captured and not returned. */
      amount: z.int().min(0).optional(),
    }),
    result: z.object({ known: z.boolean().describe('False: there is no such booking') }),
    /** `request-in-progress`: its capture is not settled here yet, ask again later. */
    errors: ['request-in-progress', 'stale-version', 'unavailable'],
  }),
};

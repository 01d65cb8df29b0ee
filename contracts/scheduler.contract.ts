import { z } from 'zod';
import { action, service } from '#contracts/contract.ts';

/** Recurring work of the worker nodes. */
export const schedulerContract = service({
  name: 'scheduler',
  actions: {
    tallies: action({
      summary: 'How often each recurring job ran and failed (operators)',
      params: z.object({}),
      result: z.object({
        jobs: z.array(
          z.object({
            name: z.string(),
            runs: z.int(),
            errors: z.int(),
            /** Runs in a row that failed. */
            failing: z.int(),
            lastRunAt: z.int(),
            lastError: z.string().optional(),
            lastErrorAt: z.int().optional(),
          }),
        ),
      }),
      errors: ['unavailable'],
    }),
  },
});

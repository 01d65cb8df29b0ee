import { z } from 'zod';
import { id, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const auditView = z.object({
  organizerId: z.string(),
  seq: z.int().min(1).describe('1, 2, 3, … within the organizer'),
  at: timestamp,
  actor: z.string().describe('A user id, or `system` for what follows by itself'),
  act: z.string().describe('`event.published`, `booking.sold`, `payment.captured`, …'),
  subject: z.string().describe('Id of the event or booking it was done to'),
  data: z.record(z.string(), z.unknown()),
  source: z.string(),
  prevHash: hash,
  hash: hash.describe('SHA-256 over the canonical JSON of the other fields, times in epoch ms'),
});
export type AuditView = z.infer<typeof auditView>;

/** The log of privileged and money acts: one hash chain an organizer. */
export const auditContract = service({
  name: 'audit',
  actions: {
    list: action({
      summary: 'The audit log of the organizers the caller acts for, newest first in each',
      params: z.strictObject({ organizerId: id('organizer').optional(), ...pageParams }),
      result: page(auditView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/audit',
        query: ['organizerId', 'limit', 'cursor'],
        success: 200,
        access: 'organizer',
        tag: 'Organizer books',
      },
    }),
    append: action({
      summary: 'Writes acts that are not in the log yet into their chains',
      params: z.object({ limit: z.int().min(1).max(1_000).default(1_000) }),
      result: z.object({
        added: z.int(),
        /** Chains that could not be continued; their acts wait. */
        failed: z.int(),
        more: z.boolean(),
      }),
      errors: ['unavailable'],
      timeoutMs: 15_000,
    }),
  },
});

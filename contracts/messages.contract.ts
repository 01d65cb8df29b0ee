import { z } from 'zod';
import { eventInfoSchema, moneySchema } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { messageKinds } from '#domain/booking-messages.ts';
import { limits } from '#domain/limits.ts';

/**
 * What an outbox sends. `key` identifies the message for ever: delivered again, it has no second
 * effect. `kind` and `data` choose and fill the text.
 */
const outboxMessage = z.object({
  key: z.string(),
  kind: z.enum(messageKinds),
  to: z.object({ userId: z.string(), email: z.string().optional() }),
  data: z.record(z.string(), z.unknown()),
});

/** What of `data` the texts use; what is missing or of another form is left out of the text. */
export const messageData = z.object({
  bookingId: z.string(),
  event: eventInfoSchema.optional().catch(undefined),
  seats: z
    .array(
      z.object({
        id: z.string(),
        category: z.string().optional(),
        section: z.string().optional(),
        row: z.string().optional(),
        number: z.string().optional(),
        area: z.string().optional(),
      }),
    )
    .default([])
    .catch([]),
  amount: moneySchema.optional().catch(undefined),
  cash: z.boolean().optional().catch(undefined).describe('Paid at the box office'),
  onVoucher: moneySchema
    .optional()
    .catch(undefined)
    .describe('Of the amount, on the voucher again'),
  refundUntil: z.number().optional().catch(undefined),
  instalment: z.number().optional().catch(undefined).describe('Number of the part it is about'),
  chargeAt: z.number().optional().catch(undefined),
  lastTry: z.boolean().optional().catch(undefined),
});
export type OutboxMessage = z.infer<typeof outboxMessage>;

export const messagesContract = service({
  name: 'messages',
  actions: {
    deliver: action({
      summary: 'Stores messages and sends them; answers once all are stored',
      params: z.object({ messages: z.array(outboxMessage).min(1).max(limits.messagesPerCallMax) }),
      result: z.object({ stored: z.int() }),
      errors: ['unavailable', 'overloaded'],
    }),
    sentMails: action({
      summary: 'Page of the mails that were kept here for want of a mail server (development)',
      params: z.strictObject({ to: z.string().max(320).optional() }),
      result: z.string(),
      errors: ['not-found', 'unavailable'],
      http: {
        method: 'GET',
        path: '/dev/mail',
        query: ['to'],
        success: 200,
        access: 'public',
        tag: 'Development',
        mediaType: 'text/html; charset=utf-8',
      },
    }),
    sentMail: action({
      summary: 'Page of one mail that was kept here (development)',
      params: z.strictObject({ mailId: z.string().max(200) }),
      result: z.string(),
      errors: ['not-found', 'unavailable'],
      http: {
        method: 'GET',
        path: '/dev/mail/{mailId}',
        success: 200,
        access: 'public',
        tag: 'Development',
        mediaType: 'text/html; charset=utf-8',
      },
    }),
  },
});

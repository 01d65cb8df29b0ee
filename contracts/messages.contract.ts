import { z } from 'zod';
import { action, service } from '#contracts/contract.ts';

/**
 * What an outbox sends. `key` identifies the message for ever: delivered again, it has no second
 * effect. `kind` and `data` choose and fill the text.
 */
export const outboxMessage = z.object({
  key: z.string(),
  kind: z.enum([
    'booking-confirmed',
    'booking-cancelled',
    'booking-refunded',
    'payment-undone',
    'booking-reminder',
  ]),
  to: z.object({ userId: z.string(), email: z.string().optional() }),
  data: z.record(z.string(), z.unknown()),
});
export type OutboxMessage = z.infer<typeof outboxMessage>;

export const messagesContract = service({
  name: 'messages',
  actions: {
    deliver: action({
      summary: 'Stores a message and sends it; answers once it is stored',
      params: outboxMessage,
      result: z.object({ stored: z.literal(true) }),
      errors: ['unavailable'],
    }),
  },
});

import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { ProviderIntent } from '#adapters/payments/port.ts';
import { returnPage } from '#adapters/payments/return-page.ts';
import type { UsherContext } from '#broker/call.ts';
import { type IntentView, paymentsContract } from '#contracts/payments.contract.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { openDesk, type PaymentDesk } from '#services/payments/desk.ts';
import {
  authoriseIntent,
  captureIntent,
  intentsOf,
  openIntent,
  viewOf,
  withdrawIntent,
} from '#services/payments/intents.ts';
import { methodActions } from '#services/payments/method-actions.ts';
import { supportActions } from '#services/payments/support-actions.ts';

type Actions = (typeof paymentsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Money at the provider, our record of it, and the provider's webhooks. */
export function createPaymentsService(runtime: Runtime): ServiceSchema {
  const path = paymentsContract.actions.returned.http?.path ?? '/';
  const returnUrl = new URL(path, runtime.config.publicUrl).href;
  let desk: PaymentDesk;
  let once: WithOnce['once'];

  const noted = async (intent: ProviderIntent): Promise<IntentView> => {
    await desk.store.seen(intent);
    return viewOf(intent);
  };

  return {
    name: paymentsContract.name,
    mixins: [idempotencyMixin(runtime)],
    actions: {
      create: ({ params }: Ctx<'create'>) => openIntent(desk, params),

      authorise: ({ params }: Ctx<'authorise'>) => authoriseIntent(desk, params, returnUrl),

      withdraw: ({ params }: Ctx<'withdraw'>) => withdrawIntent(desk, params, returnUrl),

      confirm: async ({ params }: Ctx<'confirm'>) =>
        noted(await desk.provider.confirm({ ...params, returnUrl })),

      read: async ({ params }: Ctx<'read'>) => noted(await desk.provider.retrieve(params.intentId)),

      capture: ({ params }: Ctx<'capture'>) => captureIntent(desk, params.intentId),

      cancel: async ({ params }: Ctx<'cancel'>) =>
        noted(await desk.provider.cancel(params.intentId)),

      refund: async ({ params }: Ctx<'refund'>) => {
        const refund = await desk.provider.refund(params);
        await desk.store.refunded(params.intentId, params.refundKey, refund);
        return refund;
      },

      listByBooking: async ({ params }: Ctx<'listByBooking'>) => ({
        intents: await intentsOf(desk, params.bookingId),
      }),

      ...methodActions({ runtime, returnUrl, of: () => ({ desk, once }) }),

      ...supportActions(runtime, () => desk),

      returned: () => returnPage,

      webhook: async ({ params }: Ctx<'webhook'>) => {
        const event = desk.provider.readWebhook(params.body, params.headers['stripe-signature']);
        await desk.inbox.take(event);
        return { received: true as const };
      },
    },

    async started(this: Service) {
      ({ once } = this as Service & WithOnce);
      desk = await openDesk(this.broker, runtime);
    },

    async stopped() {
      await desk?.close();
    },
  };
}

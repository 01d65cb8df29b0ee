import type { ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { ProviderIntent } from '#adapters/payments/port.ts';
import { returnPage } from '#adapters/payments/return-page.ts';
import type { UsherContext } from '#broker/call.ts';
import { type IntentView, paymentsContract } from '#contracts/payments.contract.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { openDesk, type PaymentDesk } from '#services/payments/desk.ts';
import { reconcileNow } from '#services/payments/reconciling.ts';
import { customerOf } from '#services/payments/wallet.ts';

type Actions = (typeof paymentsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Money at the provider, our record of it, and the provider's webhooks. */
export function createPaymentsService(runtime: Runtime): ServiceSchema {
  const path = paymentsContract.actions.returned.http?.path ?? '/';
  const returnUrl = new URL(path, runtime.config.publicUrl).href;
  let desk: PaymentDesk;

  const noted = async (intent: ProviderIntent): Promise<IntentView> => {
    await desk.store.seen(intent);
    return viewOf(intent);
  };

  return {
    name: paymentsContract.name,
    actions: {
      create: async ({ params }: Ctx<'create'>) => {
        const { provider, store } = desk;
        const { buyerId, save, saved } = params;
        const known = await store.ofAttempt(params.bookingId, params.attempt);
        if (known !== undefined) return noted(await provider.retrieve(known.intentId));
        const customerId = save || saved ? await customerOf(desk, buyerId) : undefined;
        const intent = await provider.createIntent({ ...params, customerId });
        await store.opened(params, intent);
        return viewOf(intent);
      },

      confirm: async ({ params }: Ctx<'confirm'>) =>
        noted(await desk.provider.confirm({ ...params, returnUrl })),

      read: async ({ params }: Ctx<'read'>) => noted(await desk.provider.retrieve(params.intentId)),

      capture: async ({ params }: Ctx<'capture'>) =>
        noted(await desk.provider.capture(params.intentId)),

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

      reconcile: (ctx: Ctx<'reconcile'>) =>
        reconcileNow(ctx, desk, runtime, ctx.params.olderThanMs),

      returned: () => returnPage,

      webhook: async ({ params }: Ctx<'webhook'>) => {
        const event = desk.provider.readWebhook(params.body, params.headers['stripe-signature']);
        await desk.inbox.take(event);
        return { received: true as const };
      },
    },

    async started() {
      desk = await openDesk(this.broker, runtime);
    },

    async stopped() {
      await desk?.close();
    },
  };
}

function viewOf(intent: ProviderIntent): IntentView {
  const { intentId, status, amount, amountRefunded } = intent;
  const { clientSecret, nextActionUrl, declineCode, paymentMethod } = intent;
  return {
    intentId,
    status,
    amount,
    amountRefunded,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(nextActionUrl !== undefined && { nextActionUrl }),
    ...(declineCode !== undefined && { declineCode }),
    ...(paymentMethod !== undefined && { paymentMethod }),
  };
}

/** Ours by our own record, and those that the provider's search, which lags behind, adds to it. */
async function intentsOf({ provider, store }: PaymentDesk, bookingId: string) {
  const known = (await store.ofBooking(bookingId)).map(({ intentId }) => intentId);
  const found = await provider.search(bookingId);
  const missing = known.filter((id) => found.every(({ intentId }) => intentId !== id));
  const others = await Promise.all(missing.map((id) => provider.retrieve(id)));
  return [...found, ...others].map(viewOf);
}

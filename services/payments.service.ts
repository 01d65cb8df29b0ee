import type { ServiceBroker, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { Inbox } from '#adapters/payments/inbox.ts';
import type { PaymentProvider, ProviderIntent } from '#adapters/payments/port.ts';
import { MongoReconciliation } from '#adapters/payments/reconciliation.ts';
import { returnPage } from '#adapters/payments/return-page.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { type IntentView, paymentsContract } from '#contracts/payments.contract.ts';
import { reconcile } from '#flows/reconciliation.flow.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof paymentsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Below the 60 s of the action, so that what was found is stored and answered in time. */
const reconcileBudgetMs = 45_000;

const viewOf = (intent: ProviderIntent): IntentView => {
  const { intentId, status, amount, clientSecret, nextActionUrl, declineCode } = intent;
  return {
    intentId,
    status,
    amount,
    amountRefunded: intent.amountRefunded,
    ...(clientSecret !== undefined && { clientSecret }),
    ...(nextActionUrl !== undefined && { nextActionUrl }),
    ...(declineCode !== undefined && { declineCode }),
  };
};

/** Money at the provider, our record of it, and the provider's webhooks. */
export function createPaymentsService(runtime: Runtime): ServiceSchema {
  const { clock, ids, config } = runtime;
  const returnUrl = new URL(paymentsContract.actions.returned.http?.path ?? '/', config.publicUrl);
  let provider: PaymentProvider;
  let store: PaymentStore;
  let reconciliation: MongoReconciliation;
  let inbox: Inbox;

  const noted = async (intent: ProviderIntent): Promise<IntentView> => {
    await store.seen(intent);
    return viewOf(intent);
  };

  return {
    name: paymentsContract.name,
    actions: {
      create: async ({ params }: Ctx<'create'>) => {
        const known = await store.ofAttempt(params.bookingId, params.attempt);
        if (known !== null) return noted(await provider.retrieve(known.intentId));
        const intent = await provider.createIntent(params);
        await store.opened(params, intent);
        return viewOf(intent);
      },

      confirm: async ({ params }: Ctx<'confirm'>) =>
        noted(await provider.confirm({ ...params, returnUrl: returnUrl.href })),

      read: async ({ params }: Ctx<'read'>) => noted(await provider.retrieve(params.intentId)),

      capture: async ({ params }: Ctx<'capture'>) => noted(await provider.capture(params.intentId)),

      cancel: async ({ params }: Ctx<'cancel'>) => noted(await provider.cancel(params.intentId)),

      refund: async ({ params }: Ctx<'refund'>) => {
        const refund = await provider.refund(params);
        await store.refunded(params.intentId, params.refundKey, refund);
        return refund;
      },

      listByBooking: async ({ params }: Ctx<'listByBooking'>) => {
        const known = (await store.ofBooking(params.bookingId)).map(({ intentId }) => intentId);
        const found = await provider.search(params.bookingId);
        const missing = known.filter((id) => found.every(({ intentId }) => intentId !== id));
        const others = await Promise.all(missing.map((id) => provider.retrieve(id)));
        return { intents: [...found, ...others].map(viewOf) };
      },

      async reconcile(this: { readonly broker: ServiceBroker }, ctx: Ctx<'reconcile'>) {
        const bookingOf = async (intentId: string) =>
          (await call(ctx, 'bookings.byPayment', { intentId })).booking;
        const { olderThanMs } = ctx.params;
        const report = await reconcile(
          { clock, provider, store: reconciliation, bookingOf },
          { olderThanMs, budgetMs: reconcileBudgetMs },
        );
        const at = clock.now();
        await reconciliation.report({ _id: ids.ulid(), at, ...report });
        for (const finding of report.findings) this.broker.logger.warn('reconciliation', finding);
        const findings = report.findings.map(({ createdAt, ...finding }) => ({
          ...finding,
          ageMs: Math.max(0, at - createdAt),
        }));
        return { checked: report.checked, upTo: report.upTo, findings };
      },

      returned: () => returnPage,

      webhook: async ({ params }: Ctx<'webhook'>) => {
        await inbox.take(provider.readWebhook(params.body, params.headers['stripe-signature']));
        return { received: true as const };
      },
    },

    async started() {
      const db = await acquireMongo(config.mongodbUri);
      provider = createStripe({ ...config.stripe, clock });
      store = new PaymentStore(db, clock);
      reconciliation = new MongoReconciliation(db, clock);
      await Promise.all([store.prepare(), reconciliation.prepare()]);
      const { broker } = this;
      inbox = new Inbox({
        clock,
        ids,
        store,
        provider,
        tellBookings: async (bookingId) => {
          await call(broker, 'bookings.paymentChanged', { bookingId });
        },
        trouble: (event, error) =>
          broker.logger.warn('webhook not handled yet', { event: event._id, error: String(error) }),
      });
      inbox.start();
    },

    async stopped() {
      await inbox?.drain();
      provider?.close();
      await releaseMongo(config.mongodbUri);
    },
  };
}

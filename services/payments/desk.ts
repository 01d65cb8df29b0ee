import type { ServiceBroker } from 'moleculer';
import { Customers } from '#adapters/payments/customers.ts';
import { DisputeStore } from '#adapters/payments/disputes.ts';
import { Inbox } from '#adapters/payments/inbox.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import { MongoReconciliation } from '#adapters/payments/reconciliation.ts';
import { WebhookReplay } from '#adapters/payments/replay.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call } from '#broker/call.ts';
import { metricsOf } from '#broker/work-middleware.ts';
import { isBundleId } from '#domain/ids.ts';
import { UnderWay } from '#domain/under-way.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { showBacklog } from '#services/payments/backlog.ts';
import { followDispute } from '#services/payments/disputes.ts';
import { startBeacon } from '#services/payments/provider-beacon.ts';

/** What the payments service works with, from its start to its stop. */
export type PaymentDesk = {
  readonly provider: PaymentProvider;
  readonly store: PaymentStore;
  readonly customers: Customers;
  readonly disputes: DisputeStore;
  readonly replay: WebhookReplay;
  readonly inbox: Inbox;
  /**
   * Writes to our record of payments that nobody waits for: the provider's word stands above it,
   * and one that is lost with its node comes again with the provider's webhook. The writes' own
   * queue bounds them.
   */
  readonly notes: UnderWay;
  readonly reconciliation: MongoReconciliation;
  /** Ends what is under way and gives everything back. */
  close(): Promise<void>;
};

/** Opens the database and the provider and begins to see to webhooks. */
export async function openDesk(broker: ServiceBroker, runtime: Runtime): Promise<PaymentDesk> {
  const { clock, ids, config } = runtime;
  const db = await acquireMongo(config.mongodbUri);
  const provider = createStripe({
    ...config.stripe,
    clock,
    answered: (...answer) => metricsOf(broker)?.payment(...answer),
  });
  const store = new PaymentStore(db, clock);
  const customers = new Customers(db, clock);
  const disputes = new DisputeStore(db, clock);
  const replay = new WebhookReplay(db, clock);
  const reconciliation = new MongoReconciliation(db, clock);
  await Promise.all([store.prepare(), disputes.prepare(), reconciliation.prepare()]);
  const inbox = new Inbox({
    clock,
    ids,
    store,
    provider,
    tellBookings: (bookingId) => wakePaid(broker, bookingId),
    tellDispute: (disputeId) => followDispute({ broker, provider, store, disputes }, disputeId),
    trouble: (event, error) =>
      broker.logger.warn('webhook not handled yet', { event: event._id, error: String(error) }),
  });
  const notes = new UnderWay((error) =>
    broker.logger.warn('payment not noted: its webhook will tell', { error: String(error) }),
  );
  inbox.start();
  const beacon = startBeacon(broker, provider, clock);
  const shown = showBacklog(broker, { provider, reconciliation }, clock);
  const close = async (): Promise<void> => {
    beacon.stop();
    shown.stop();
    await inbox.drain();
    await notes.idle();
    provider.close();
    await releaseMongo(config.mongodbUri);
  };
  return { provider, store, customers, disputes, replay, inbox, notes, reconciliation, close };
}

/** Lets the flow of whatever is paid look at once. */
export async function wakePaid(broker: ServiceBroker, paid: string): Promise<void> {
  if (isBundleId(paid)) await call(broker, 'bundles.paymentChanged', { bundleId: paid });
  else await call(broker, 'bookings.paymentChanged', { bookingId: paid });
}

import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { Inbox } from '#adapters/payments/inbox.ts';
import { PaymentStore } from '#adapters/payments/store.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import {
  collections,
  type OutboxDocument,
  toOutboxDocument,
} from '#adapters/store/booking-documents.ts';
import { MongoBookings } from '#adapters/store/bookings.ts';
import { acquireMongo } from '#adapters/store/mongo.ts';
import { MongoOutbox } from '#adapters/store/outbox.ts';
import { call } from '#broker/call.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Message } from '#domain/booking-messages.ts';
import { openBooking, opening, retried } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import { OutboxRelay } from '#flows/outbox.relay.ts';
import type { PaymentsPort } from '#flows/ports.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import { createPaymentsService } from '#services/payments.service.ts';
import type { Errand } from '#test/integration/flows/mortal.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';

/**
 * A core node in a process of its own that does one errand and kills itself, as `kill -9` does, at
 * a call of its ports: before the call or after its answer. Ends with 0 when the errand is done.
 */
const errand = JSON.parse(process.argv[2] ?? '{}') as Errand;
let calls = 0;

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};

/** The port, with the kill at its call. */
function mortal<T extends object>(port: T): T {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        const here = ++calls === errand.dieAt;
        if (here && errand.does === 'die-before') await die();
        const answer: unknown = await Reflect.apply(member, target, args);
        if (here) await die();
        return answer;
      };
    },
  });
}

const { mongodbUri, natsUrl, namespace, apiBase } = errand;
const clock = systemClock;
const ids = systemIds;
const db = await acquireMongo(mongodbUri);
const nodeId = `mortal-${process.pid}`;
const stripe = { secretKey: 'sk_test_x', webhookSecret: 'whsec_test', apiBase, simulator: true };
const config = testConfig({ mongodbUri, nodeId, namespace, stripe });
const runtime = { config, clock, ids };
const broker = await startBroker({ services: [], nodeId, namespace, natsUrl });
/** Payments by a service of its own, which nobody else asks: what it has begun dies with it. */
const own = await startBroker({ services: [createPaymentsService(runtime)] });
await broker.waitForServices(['inventory', 'bookings', 'messages'], 10_000);

const payments: PaymentsPort = {
  create: (asked) => call(own, 'payments.create', asked),
  authorise: (asked) => call(own, 'payments.authorise', asked),
  withdraw: (asked) => call(own, 'payments.withdraw', asked),
  confirm: (asked) => call(own, 'payments.confirm', asked),
  read: (asked) => call(own, 'payments.read', asked),
  capture: (asked) => call(own, 'payments.capture', asked),
  cancel: (asked) => call(own, 'payments.cancel', asked),
  refund: (asked) => call(own, 'payments.refund', asked),
};
const store = mortal(new MongoBookings(db, clock));
const worker = new BookingWorker({
  store,
  inventory: mortal<InventoryPort>(inventoryClientOf(broker, runtime)),
  payments: mortal(payments),
  clock,
  ids,
  watcher: { changed: () => {}, trouble: () => {}, alarm: () => {} },
});

async function run(task: Errand['task'], node: ServiceBroker): Promise<void> {
  const wish = (token: string, key: string) => ({ key, token, equalSeats: false, attendees: [] });
  switch (task.do) {
    case 'checkout': {
      const { bookingId, hold, token } = task;
      const opened = openBooking(bookingId, hold, wish(token, bookingId), undefined, clock.now());
      const booking = opening(opened);
      await store.insert(booking);
      return worker.run(booking);
    }
    case 'cancel': {
      const booking = await store.find(task.bookingId);
      if (booking === undefined) throw new Error('no booking');
      const decision = cancel(booking, await store.tickets([task.bookingId]), {}, clock.now());
      if (decision.kind !== 'done') throw new Error(decision.kind);
      if ((await store.commit(decision.change)) === 'done') worker.run(decision.change.booking);
      return;
    }
    case 'retry': {
      const booking = await store.find(task.bookingId);
      if (booking === undefined) throw new Error('no booking');
      const change = retried(booking, wish('pm_card_visa', 'again'), clock.now());
      if ((await store.commit(change)) === 'done') worker.run(change.booking);
      return;
    }
    case 'relay': {
      const relay = new OutboxRelay({
        outbox: mortal(new MongoOutbox(db, clock)),
        clock,
        ids,
        deliver: mortal({
          deliver: async ({ key, kind, to, data }: Message) => {
            await call(node, 'messages.deliver', { messages: [{ key, kind, to, data }] });
          },
        }).deliver,
        gaveUp: () => {},
      });
      const outbox = db.collection<OutboxDocument>(collections.outbox);
      await outbox.insertOne(toOutboxDocument(task.message, clock.now(), limits.stepRetryMs));
      relay.relay([task.message]);
      return relay.idle();
    }
    case 'webhook': {
      const provider = createStripe({ ...stripe, clock });
      const inbox = new Inbox({
        clock,
        ids,
        store: mortal(new PaymentStore(db, clock)),
        provider: mortal(provider),
        tellBookings: mortal({
          tell: async (bookingId: string) => {
            await call(node, 'bookings.paymentChanged', { bookingId });
          },
        }).tell,
        tellDispute: async () => 'told',
        trouble: () => {},
      });
      await inbox.take(task.event);
      await clock.sleep(400);
      return inbox.drain();
    }
  }
}

await run(errand.task, broker);
await worker.idle();
process.exit(0);

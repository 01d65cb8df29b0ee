import type { Service, ServiceSchema } from 'moleculer';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { EventStarts } from '#adapters/store/event-starts.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { MongoOutbox } from '#adapters/store/outbox.ts';
import { BacklogReader } from '#adapters/store/payment-backlog.ts';
import { StrayLedger } from '#adapters/store/stray-ledger.ts';
import type { UsherEvent } from '#broker/events.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Ticket } from '#domain/ticket.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import { OutboxRelay } from '#flows/outbox.relay.ts';
import type { BookingStore, FlowWatcher } from '#flows/ports.ts';
import { BookingWaiters } from '#mixins/booking-waiters.ts';
import { deliveryTo } from '#mixins/delivery.ts';
import { announce, paymentsPort } from '#mixins/flow-calls.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** A booking that was written here; `tickets` are all that it has, where they are at hand. */
export type BookingNews = {
  readonly booking: Booking;
  readonly tickets: readonly Ticket[] | undefined;
};

/** What a service with the mixin has, from its `started` on. */
export type WithBookings = {
  readonly store: BookingStore;
  readonly worker: BookingWorker;
  readonly relay: OutboxRelay;
  readonly waiters: BookingWaiters<BookingNews>;
  readonly strays: StrayLedger;
  readonly backlog: BacklogReader;
  readonly starts: EventStarts;
};

type Bound = Service & { inventory: InventoryPort; bookings?: WithBookings };

/**
 * Gives a service `this.bookings`: the store, a worker that runs flows and sweeps what is due, the
 * relay of the outbox, and the requests that wait. Needs `this.inventory`. When the service stops,
 * nothing new is taken, steps in flight are finished, and other nodes go on.
 */
export function bookingFlowMixin(runtime: Runtime): Partial<ServiceSchema> {
  const { clock, ids, config } = runtime;
  return {
    events: {
      'booking.changed'(this: Bound, { params }: UsherEvent<'booking.changed'>) {
        this.bookings?.waiters.notify(params.bookingId, params.status);
      },
    },

    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      await prepareBookings(db);
      const store = new MongoBookings(db, clock);
      const waiters = new BookingWaiters<BookingNews>(clock, config.limits.longPollWaitersMax);
      const relay = new OutboxRelay({
        outbox: new MongoOutbox(db, clock),
        clock,
        ids,
        deliver: deliveryTo(this.broker, clock),
        gaveUp: ({ key }, error) => this.logger.error('a message was never delivered', key, error),
      });
      const { inventory } = this as Bound;
      const payments = paymentsPort(this.broker);
      const watcher = watcherOf(this, relay, waiters);
      const ports = { store, inventory, payments, clock, ids, watcher };
      const worker = new BookingWorker(ports);
      const strays = new StrayLedger(db);
      const backlog = new BacklogReader(db);
      const starts = new EventStarts(db);
      Object.assign(this, {
        bookings: { store, worker, relay, waiters, strays, backlog, starts } satisfies WithBookings,
      });
      worker.start();
      relay.start();
    },

    async stopped(this: Service) {
      const { bookings } = this as Bound;
      bookings?.waiters.close();
      await bookings?.worker.drain();
      await bookings?.relay.drain();
      await releaseMongo(config.mongodbUri);
    },
  };
}

function watcherOf(
  { broker, logger }: Service,
  relay: OutboxRelay,
  waiters: BookingWaiters<BookingNews>,
): FlowWatcher {
  const about = ({ bookingId, step, tries }: Booking) => ({ bookingId, step, tries });
  return {
    changed(before, booking, messages, tickets) {
      relay.relay(messages);
      if (before.status === booking.status) return;
      const { bookingId, eventId, status, version } = booking;
      waiters.notify(bookingId, status, { booking, tickets });
      announce(broker, 'booking.changed', { bookingId, eventId, status, version });
    },
    trouble(booking, error) {
      logger.warn('a step of a booking will be done again', about(booking), error);
    },
    alarm(booking) {
      const { bookingId, eventId, alarm = '' } = booking;
      logger.fatal('a person must look at this booking', { ...about(booking), alarm });
      announce(broker, 'booking.alarm', { bookingId, eventId, alarm });
    },
  };
}

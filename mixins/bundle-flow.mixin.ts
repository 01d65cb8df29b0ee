import type { Service, ServiceSchema } from 'moleculer';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { MongoBundles, prepareBundles } from '#adapters/store/bundles.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import type { UsherEvent } from '#broker/events.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Bundle } from '#domain/bundle.ts';
import type { BundlePorts, BundleWatcher } from '#flows/bundle.flow.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import { BookingWaiters } from '#mixins/booking-waiters.ts';
import { announce, paymentsPort } from '#mixins/flow-calls.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** What a service with the mixin has, from its `started` on. */
export type WithBundles = {
  readonly ports: BundlePorts;
  readonly worker: BundleWorker;
  readonly waiters: BookingWaiters;
};

type Bound = Service & { inventory: InventoryPort; bundles?: WithBundles };

/**
 * Gives a service `this.bundles`: the ports and a worker that runs bundles' flows and sweeps what is
 * due, and the requests that wait. Needs `this.inventory`. Messages that a bundle writes are relayed
 * by the bookings' own sweep, within a second.
 */
export function bundleFlowMixin(runtime: Runtime): Partial<ServiceSchema> {
  const { clock, ids, config } = runtime;
  return {
    events: {
      'bundle.changed'(this: Bound, { params }: UsherEvent<'bundle.changed'>) {
        this.bundles?.waiters.notify(params.bundleId);
      },
    },

    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      await prepareBookings(db);
      await prepareBundles(db);
      const ports: BundlePorts = {
        store: new MongoBookings(db, clock),
        bundles: new MongoBundles(db, clock),
        inventory: (this as Bound).inventory,
        payments: paymentsPort(this.broker),
        clock,
        ids,
        watcher: { changed: () => {}, trouble: () => {}, alarm: () => {} },
        bundleWatcher: watcherOf(this),
      };
      const waiters = new BookingWaiters(clock, config.limits.longPollWaitersMax);
      const worker = new BundleWorker(ports);
      Object.assign(this, { bundles: { ports, worker, waiters } satisfies WithBundles });
      worker.start();
    },

    async stopped(this: Service) {
      const { bundles } = this as Bound;
      bundles?.waiters.close();
      await bundles?.worker.drain();
      await releaseMongo(config.mongodbUri);
    },
  };
}

function watcherOf({ broker, logger }: Service): BundleWatcher {
  const about = ({ bundleId, step, order, tries }: Bundle) => ({
    bundleId,
    step: order?.step ?? step,
    tries,
  });
  return {
    changed({ bundle, members, opened }) {
      const { bundleId, order } = bundle;
      const status = order?.status ?? (bundle.step === 'held' ? 'held' : 'released');
      announce(broker, 'bundle.changed', { bundleId, status });
      for (const booking of [...opened, ...members.map((member) => member.booking)]) {
        const { bookingId, eventId, status: own, version } = booking;
        const news = { bookingId, eventId, status: own, version };
        announce(broker, 'booking.changed', news);
      }
    },
    trouble(bundle, error) {
      logger.warn('a step of a bundle will be done again', about(bundle), error);
    },
    alarm(bundle) {
      logger.fatal('a person must look at this bundle', {
        ...about(bundle),
        alarm: bundle.order?.alarm,
      });
    },
  };
}

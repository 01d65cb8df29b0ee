import type { Service, ServiceSchema } from 'moleculer';
import { CancellationReader } from '#adapters/store/cancellation-reader.ts';
import { MongoEventSweeps } from '#adapters/store/event-sweeps.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { EventSweepWorker } from '#flows/event-sweep.worker.ts';
import type { WithBookings } from '#mixins/booking-flow.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** What a service with the mixin has, from its `started` on. */
export type WithSweeps = {
  readonly sweeps: {
    readonly store: MongoEventSweeps;
    readonly reader: CancellationReader;
    readonly worker: EventSweepWorker;
  };
};

type Bound = Service & { readonly bookings: WithBookings; readonly sweeps?: WithSweeps['sweeps'] };

/** Gives a service `this.sweeps`, which run by themselves. Needs `this.bookings`. */
export function eventSweepMixin({ clock, ids, config }: Runtime): Partial<ServiceSchema> {
  return {
    async started(this: Service) {
      const { bookings, logger } = this as Bound;
      const db = await acquireMongo(config.mongodbUri);
      const store = new MongoEventSweeps(db);
      await store.prepare();
      const worker = new EventSweepWorker({
        sweeps: store,
        store: bookings.store,
        clock,
        ids,
        running: () => bookings.worker.running,
        changed: (_before, { booking, messages }) => {
          bookings.relay.relay(messages.map(({ key }) => key));
          if (booking.dueAt !== undefined) bookings.worker.run(booking);
        },
        trouble: ({ sweepId }, error) =>
          logger.warn('a booking will be told again', { sweepId, error: String(error) }),
      });
      const reader = new CancellationReader(db);
      Object.assign(this, { sweeps: { store, reader, worker } } satisfies WithSweeps);
      worker.start();
    },

    async stopped(this: Service) {
      await (this as Bound).sweeps?.worker.drain();
      await releaseMongo(config.mongodbUri);
    },
  };
}

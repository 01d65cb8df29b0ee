import type { ServiceBroker } from 'moleculer';
import { CancellationReader } from '#adapters/store/cancellation-reader.ts';
import { MongoEventSweeps } from '#adapters/store/event-sweeps.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { EventSweepWorker } from '#flows/event-sweep.worker.ts';
import type { WithBookings } from '#mixins/booking-flow.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** Sweeps over events' bookings, and how far they are. */
export type Sweeps = {
  readonly store: MongoEventSweeps;
  readonly reader: CancellationReader;
  /** Finishes what is in flight and gives everything back. */
  stop(): Promise<void>;
};

/** Begins to run what sweeps are due, beside the flows of these bookings. */
export async function startSweeps(
  { clock, ids, config }: Runtime,
  bookings: WithBookings,
  { logger }: Pick<ServiceBroker, 'logger'>,
): Promise<Sweeps> {
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
      bookings.relay.relay(messages);
      if (booking.dueAt !== undefined) bookings.worker.run(booking);
    },
    trouble: ({ sweepId }, error) =>
      logger.warn('a booking will be told again', { sweepId, error: String(error) }),
  });
  worker.start();
  const stop = async (): Promise<void> => {
    await worker.drain();
    await releaseMongo(config.mongodbUri);
  };
  return { store, reader: new CancellationReader(db), stop };
}

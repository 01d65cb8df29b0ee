import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { collections, type LedgerDocument } from '#adapters/store/booking-documents.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { openBooking } from '#domain/booking-moves.ts';
import { limits } from '#domain/limits.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { bookingIdOf, eventId, Mortal, World } from '#test/unit/flows/world.ts';

describeWith(['mongod'], 'workers on one database', () => {
  let database: TestDatabase;
  let store: MongoBookings;

  beforeAll(async () => {
    database = await testDatabase('booking-workers');
    await prepareBookings(database.db);
    store = new MongoBookings(database.db, systemClock);
  });

  afterAll(() => database.drop());

  /** One hold with its booking, in an event of its own as far as the database goes. */
  const written = async (n: number) => {
    const world = new World();
    const ownEvent = `${eventId}-${n}`;
    world.event.hold = { ...world.event.hold, eventId: ownEvent, holdId: `rsv_${n}` };
    const now = world.clock.now();
    const booking = openBooking(bookingIdOf(n), world.event.hold, world.wish(), undefined, now);
    expect(await store.insert(booking)).toBe('inserted');
    return { world, booking };
  };
  const soldOnce = async (world: World, bookingId: string): Promise<void> => {
    expect(await store.find(bookingId)).toMatchObject({ status: 'confirmed', step: 'done' });
    expect(await store.tickets([bookingId])).toHaveLength(2);
    const ledger = database.db.collection<LedgerDocument>(collections.ledger);
    const kinds = await ledger.distinct('kind', { bookingId });
    expect(kinds.sort()).toEqual(['cash', 'sale']);
    expect(await ledger.countDocuments({ bookingId })).toBe(2);
    expect([...world.payments.intents.values()].map((i) => i.status)).toEqual(['succeeded']);
  };

  it('that all begin the same booking at once sell it once', async () => {
    for (let n = 100; n < 110; n++) {
      const { world, booking } = await written(n);
      const workers = Array.from({ length: 6 }, () => world.worker(new Mortal(), store));
      for (const worker of workers) worker.run(booking);
      await Promise.all(workers.map((worker) => worker.idle()));
      await soldOnce(world, booking.bookingId);
    }
  });

  it('take over from one that died at any call, several at once', async () => {
    for (let at = 1; at <= 11; at++) {
      const { world, booking } = await written(200 + at);
      const first = world.worker(new Mortal({ at, does: 'die-after' }), store);
      first.run(booking);
      await first.idle();
      const others = Array.from({ length: 3 }, () => world.worker(new Mortal(), store));
      for (let round = 0; round < 3; round++) {
        world.clock.advance(limits.stepRetryMs + 1);
        await Promise.all(others.map((worker) => worker.sweep()));
        await Promise.all(others.map((worker) => worker.idle()));
      }
      await soldOnce(world, booking.bookingId);
    }
  }, 60_000);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { collections, type LedgerDocument } from '#adapters/store/booking-documents.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { openBooking } from '#domain/booking-moves.ts';
import { type InstalmentPlan, planned } from '#domain/instalment-plan.ts';
import { limits } from '#domain/limits.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { bookingIdOf, eventId, Mortal, World } from '#test/unit/flows/world.ts';

const day = 24 * 3_600_000;
const plan: InstalmentPlan = {
  planId: 'halves',
  parts: 2,
  firstBasisPoints: 5_000,
  everyDays: 30,
  lastDueDaysBefore: 14,
  minTotal: 0,
  fee: 0,
  admitsBeforePaid: true,
  retryAfterDays: [3],
  cancelFee: 0,
};

describeWith(['mongod'], 'instalments that workers on one database charge', () => {
  let database: TestDatabase;
  let store: MongoBookings;

  beforeAll(async () => {
    database = await testDatabase('instalment-workers');
    await prepareBookings(database.db);
    store = new MongoBookings(database.db, systemClock);
  });

  afterAll(() => database.drop());

  /** A booking of 5 000 whose second half is due now. */
  const due = async (n: number) => {
    const world = new World();
    world.event.hold = {
      ...world.event.hold,
      eventId: `${eventId}-${n}`,
      holdId: `rsv_${n}`,
    };
    const now = world.clock.now();
    const { hold } = world.event;
    const terms = planned({ quote: hold.quote }, plan, now, now + 300 * day);
    if ('refused' in terms) throw new Error(terms.refused);
    const wish = { ...world.wish(), save: true };
    const booking = openBooking(bookingIdOf(n), hold, wish, undefined, now, terms);
    await store.insert(booking);
    const seller = world.worker(new Mortal(), store);
    seller.run(booking);
    await seller.idle();
    world.clock.advance(30 * day);
    return { world, bookingId: booking.bookingId };
  };
  const chargedOnce = async (world: World, bookingId: string): Promise<void> => {
    expect(await store.find(bookingId)).toMatchObject({ status: 'confirmed', step: 'done' });
    const ledger = database.db.collection<LedgerDocument>(collections.ledger);
    expect(await ledger.countDocuments({ bookingId, kind: 'cash' })).toBe(2);
    const intents = [...world.payments.intents.values()];
    expect(intents.map(({ amount, status }) => [amount, status])).toEqual([
      [2_500, 'succeeded'],
      [2_500, 'succeeded'],
    ]);
  };

  it('at once, charge them once', async () => {
    for (let n = 100; n < 105; n++) {
      const { world, bookingId } = await due(n);
      expect(await store.dueInstalments(world.clock.now(), 10)).toEqual([bookingId]);
      const workers = Array.from({ length: 6 }, () => world.worker(new Mortal(), store));
      await Promise.all(workers.map((worker) => worker.sweep()));
      await Promise.all(workers.map((worker) => worker.idle()));
      await chargedOnce(world, bookingId);
      expect(await store.dueInstalments(world.clock.now(), 10)).toEqual([]);
    }
  });

  it.each(['die-before', 'die-after'] as const)(
    'and %s at any call, charge them once',
    async (does) => {
      for (let at = 1; at <= 14; at++) {
        const { world, bookingId } = await due((does === 'die-after' ? 300 : 200) + at);
        const first = world.worker(new Mortal({ at, does }), store);
        await first.sweep().catch(() => 0);
        await first.idle();
        const others = Array.from({ length: 3 }, () => world.worker(new Mortal(), store));
        for (let round = 0; round < 3; round++) {
          world.clock.advance(limits.stepRetryMs + 1);
          await Promise.all(others.map((worker) => worker.sweep()));
          await Promise.all(others.map((worker) => worker.idle()));
        }
        await chargedOnce(world, bookingId);
      }
    },
    60_000,
  );
});

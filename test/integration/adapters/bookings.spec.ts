import { afterAll, beforeAll, describe } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import type { LedgerDocument } from '#adapters/store/booking-documents.ts';
import { collections } from '#adapters/store/booking-documents.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import { MongoOutbox } from '#adapters/store/outbox.ts';
import { bookingGroupsSuite } from '#test/integration/adapters/booking-groups.suite.ts';
import { bookingKeysSuite } from '#test/integration/adapters/booking-keys.suite.ts';
import {
  bookingStoreSuite,
  type StoreUnderTest,
} from '#test/integration/adapters/booking-store.suite.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describe('bookings in memory', () => {
  const memory = new MemoryBookings();
  const under: StoreUnderTest = {
    store: memory,
    outbox: memory,
    ledger: async (bookingId) => memory.contents.ledger.filter((e) => e.bookingId === bookingId),
  };
  bookingStoreSuite(() => under);
  bookingGroupsSuite(() => under);
  bookingKeysSuite(() => under);
});

describeWith(['mongod'], 'bookings in MongoDB', () => {
  let database: TestDatabase;
  let under: StoreUnderTest;

  beforeAll(async () => {
    database = await testDatabase('bookings');
    const { db } = database;
    await Promise.all([prepareBookings(db), prepareBookings(db)]);
    const ledger = db.collection<LedgerDocument>(collections.ledger);
    under = {
      store: new MongoBookings(db, systemClock),
      outbox: new MongoOutbox(db, systemClock),
      ledger: async (bookingId) =>
        (await ledger.find({ bookingId }).toArray()).map(({ _id, ...rest }) => ({
          id: _id,
          ...rest,
        })),
    };
  });

  afterAll(() => database.drop());

  bookingStoreSuite(() => under);
  bookingGroupsSuite(() => under);
  bookingKeysSuite(() => under);
});

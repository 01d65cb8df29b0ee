import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import {
  type BookingDocument,
  collections,
  toBookingDocument,
} from '#adapters/store/booking-documents.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { MongoBundles } from '#adapters/store/bundles.ts';
import { TillReader } from '#adapters/store/tills.ts';
import type { Booking } from '#domain/booking.ts';
import { makeScopedId } from '#domain/ids.ts';
import { aBooking, aHold, now, ulid } from '#test/integration/adapters/booking-store.suite.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

/** As they stand where each way to look a booking up has an index of its own. */
const withoutLists = (b: Booking): BookingDocument => {
  const { keys: _keys, refs: _refs, ...rest } = toBookingDocument(b);
  return rest as BookingDocument;
};

describeWith(['mongod'], 'bookings of a database with other indexes', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await testDatabase('former');
  });

  afterEach(() => database.drop());

  const bookingsOf = () => database.db.collection<BookingDocument>(collections.bookings);

  async function formerly(documents: readonly BookingDocument[]): Promise<void> {
    await bookingsOf().createIndexes([
      { key: { reservationId: 1 }, unique: true, partialFilterExpression: { active: true } },
      {
        key: { eventId: 1 },
        name: 'complimentary_of_event',
        partialFilterExpression: { 'bill.by': 'complimentary' },
      },
      { key: { 'bundle.bundleId': 1 } },
      { key: { 'event.startsAt': 1 } },
      { key: { refs: 1 }, partialFilterExpression: { refs: { $exists: true } } },
      { key: { buyerId: 1, createdAt: -1, _id: -1 } },
    ]);
    await bookingsOf().insertMany([...documents]);
  }

  const prepared = () => Promise.all(Array.from({ length: 3 }, () => prepareBookings(database.db)));

  it('have one active booking a reservation all the same', async () => {
    const [active, ended] = [aBooking(), { ...aBooking(), status: 'expired' } as const];
    const half = aBooking();
    const keyed = { ...withoutLists(active), keys: ['somebody:key'] };
    await formerly([keyed, withoutLists(ended), toBookingDocument(half)]);
    await prepared();
    await prepared();

    const store = new MongoBookings(database.db, systemClock);
    const again = ({ reservationId }: Booking) => ({ ...aBooking(), reservationId });
    for (const b of [active, half]) {
      expect(await store.findActive(b.reservationId)).toEqual(b);
      expect(await store.insert(again(b))).toBe('exists');
    }
    expect(await store.findActive(ended.reservationId)).toBeUndefined();
    expect(await store.insert(again(ended))).toBe('inserted');
    const kept = await bookingsOf().findOne({ _id: active.bookingId });
    expect(kept?.keys).toEqual(['somebody:key', active.reservationId]);
    expect(kept?.version).toBe(active.version);
  });

  it('are listed to their buyer', async () => {
    const { buyerId } = aHold();
    const older = aBooking({ ...aHold(), buyerId });
    const newer = aBooking({ ...aHold(), buyerId }, now + 1);
    await formerly([older, newer, aBooking()].map(withoutLists));
    await prepared();
    const store = new MongoBookings(database.db, systemClock);
    expect(await store.list(buyerId, undefined, 9)).toEqual([newer, older]);
    expect(await store.list(buyerId, newer, 9)).toEqual([older]);
  });

  it('are found by their bundle, and as free ones of their event', async () => {
    const bundleId = makeScopedId('bundle', aHold().eventId, ulid());
    const part: Booking = { ...aBooking(), bundle: { bundleId, divisible: true } };
    const free = aBooking();
    const counter = { staffId: 'usr_1', faceValue: 4_111 };
    const bill = { by: 'complimentary', counter };
    const given = { ...withoutLists(free), bill, saleWritten: true, refs: ['prm_1'] };
    await formerly([withoutLists(part), given as unknown as BookingDocument]);
    await prepared();

    const found = await new MongoBundles(database.db, systemClock).bookings(bundleId);
    expect(found.map(({ bookingId }) => bookingId)).toEqual([part.bookingId]);
    const scope = { from: 0, to: 2 * now, zone: 'UTC' };
    const tills = new TillReader(database.db);
    expect(await tills.given({ eventIds: [free.eventId], ...scope })).toMatchObject([
      { staffId: 'usr_1', sales: 1, tickets: 2, faceValue: 4_111 },
    ]);
    expect(await tills.given({ eventIds: [part.eventId], ...scope })).toEqual([]);
  });

  it('have the same few indexes then', async () => {
    await formerly([withoutLists(aBooking())]);
    await prepared();
    const names = (await bookingsOf().indexes()).map(({ name }) => name);
    expect(names.toSorted()).toEqual([
      '_id_',
      'dueAt_1',
      'one_booking_per_key',
      'refs_1_createdAt_-1__id_-1',
    ]);
  });
});

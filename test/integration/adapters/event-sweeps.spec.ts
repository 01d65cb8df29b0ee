import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import { MongoEventSweeps } from '#adapters/store/event-sweeps.ts';
import { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import { MemoryEventSweeps } from '#adapters/store/memory-event-sweeps.ts';
import { captured, ended } from '#domain/booking-moves.ts';
import { disputed } from '#domain/dispute.ts';
import { openSweep } from '#domain/event-sweep.ts';
import { aBooking, aHold, toSell } from '#test/integration/adapters/booking-store.suite.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Under = { readonly sweeps: EventSweeps; readonly store: BookingStore };

/** What every store of sweeps, and of the bookings they go through, must do. */
function suite(open: () => Under): void {
  const news = { kind: 'cancelled' } as const;

  it('begins a sweep once, and gives it to one taker at a time', async () => {
    const { sweeps } = open();
    const { eventId } = aHold();
    const sweep = openSweep(eventId, 1, news, 1_000);
    await Promise.all([sweeps.begin(sweep), sweeps.begin({ ...sweep, open: 9 })]);
    expect(await sweeps.cancellation(eventId)).toMatchObject({ version: 1, dueAt: 1_000 });
    expect(await sweeps.take(999, 2_000)).toBeUndefined();
    const takers = await Promise.all([1, 2, 3].map(() => sweeps.take(1_000, 2_000)));
    const [taken] = takers.filter((one) => one !== undefined);
    expect(takers.filter((one) => one !== undefined)).toHaveLength(1);
    expect(taken).toMatchObject({ sweepId: `${eventId}:1`, version: 2, dueAt: 2_000, news });
    if (taken === undefined) throw new Error('not taken');
    const done = { ...taken, version: 3, dueAt: undefined, state: 'done', finishedAt: 5 } as const;
    const saves = await Promise.all([sweeps.save(done), sweeps.save(done)]);
    expect(saves.sort()).toEqual([false, true]);
    expect(await sweeps.take(9_000, 9_999)).toBeUndefined();
    const end = await sweeps.cancellation(eventId);
    expect([end?.state, end?.dueAt]).toEqual(['done', undefined]);
    expect(await sweeps.cancellation(aHold().eventId)).toBeUndefined();
  });

  it('shows bookings of one event that are not over, by id, page by page', async () => {
    const { store } = open();
    const { eventId } = aHold();
    const own = Array.from({ length: 5 }, () => aBooking(aHold(eventId)));
    for (const b of [...own, aBooking()]) await store.insert(b);
    const [first] = own;
    if (first === undefined) throw new Error('none');
    const over = ended(first, 'expired', 'test', 5);
    await store.commit(over);
    const ids = own.map((b) => b.bookingId).sort();
    const page = (after: string | undefined, limit: number) =>
      store.openOfEvent(eventId, after, limit);
    const all = await page(undefined, 10);
    expect(all.map((b) => b.bookingId)).toEqual(ids);
    const two = await page(ids[1], 2);
    expect(two.map((b) => b.bookingId)).toEqual(ids.slice(2, 4));
    const attempts = over.booking.attempts.map((a) => ({ ...a, state: 'unused' as const }));
    const returns = over.booking.returns.map((r) => ({ ...r, seatsReturned: true }));
    const finished = {
      ...over.booking,
      attempts,
      returns,
      step: 'done',
      dueAt: undefined,
    } as const;
    await store.commit({
      ...over,
      expected: over.booking.version,
      booking: { ...finished, version: over.booking.version + 1 },
      claims: [],
    });
    const rest = await page(undefined, 10);
    expect(rest.map((b) => b.bookingId)).toEqual(ids.filter((id) => id !== first.bookingId));
  });

  it('freezes valid tickets and makes frozen ones valid, and no others', async () => {
    const { store } = open();
    const b = aBooking();
    await store.insert(b);
    const sale = await toSell(store, b);
    await store.commit(sale);
    const settled = captured(sale.booking, 5);
    await store.commit(settled);
    const statuses = async () => (await store.tickets([b.bookingId])).map((t) => t.status);
    const tell = async (state: 'open' | 'won' | 'lost', disputeId: string): Promise<void> => {
      const found = await store.find(b.bookingId);
      if (found === undefined) throw new Error('gone');
      const tickets = await store.tickets([b.bookingId]);
      const so = disputed(found, tickets, { disputeId, state }, 5);
      if (so === undefined || so === 'early') throw new Error('not taken');
      expect(await store.commit(so)).toBe('done');
    };
    await tell('open', 'dp_1');
    expect(await statuses()).toEqual(['frozen', 'frozen']);
    await tell('won', 'dp_1');
    expect(await statuses()).toEqual(['valid', 'valid']);
    await tell('lost', 'dp_2');
    expect(await statuses()).toEqual(['cancelled', 'cancelled']);
    expect((await store.find(b.bookingId))?.disputes).toHaveLength(2);
  });
}

describe('sweeps in memory', () => {
  const under = { sweeps: new MemoryEventSweeps(), store: new MemoryBookings() };
  suite(() => under);
});

describeWith(['mongod'], 'sweeps in MongoDB', () => {
  let database: TestDatabase;
  let under: Under;

  beforeAll(async () => {
    database = await testDatabase('event-sweeps');
    const { db } = database;
    const sweeps = new MongoEventSweeps(db);
    await Promise.all([sweeps.prepare(), sweeps.prepare(), prepareBookings(db)]);
    under = { sweeps, store: new MongoBookings(db, systemClock) };
  });

  afterAll(() => database.drop());

  suite(() => under);
});

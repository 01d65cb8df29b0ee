import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import type { PaymentDoc } from '#adapters/payments/store.ts';
import { type BookingDocument, collections } from '#adapters/store/booking-documents.ts';
import type { LedgerEntry } from '#domain/ledger.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { book, entriesOf, ownedEvent } from '#test/support/books.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const run = promisify(execFile);

/** A settled booking and what the provider has of it. */
async function settle(
  db: Db,
  entries: readonly LedgerEntry[],
  { captured = 1_000, refunded = 0, step = 'done' } = {},
): Promise<string> {
  const [first] = entries;
  if (first === undefined) throw new Error('no entries');
  const { bookingId: _id, eventId, currency } = first;
  const booking = { _id, eventId, step, version: 9, returns: [] } as unknown as BookingDocument;
  await db.collection<BookingDocument>(collections.bookings).insertOne(booking);
  const payment = { _id: `${_id}:1`, intentId: `pi_${_id}`, bookingId: _id, eventId, currency };
  await db
    .collection<PaymentDoc>('payments')
    .insertOne({ ...payment, captured, refunded } as PaymentDoc);
  return _id;
}

describeWith(['mongod'], 'ledger:check', () => {
  let database: TestDatabase;
  let owner: { organizerId: string; eventId: string };

  const booked = async (options: object, cancelled = false, currency = 'EUR') => {
    const entries = entriesOf(owner.eventId, 1_000, { cancelled, currency });
    await book(database.db, entries);
    return settle(database.db, entries, options);
  };

  beforeAll(async () => {
    database = await testDatabase('ledger-check');
    owner = await ownedEvent(database.db);
  });

  afterAll(async () => {
    await database.drop();
  });

  it('adds up the accounts of every organizer and currency', async () => {
    await booked({});
    await booked({ refunded: 1_000 }, true);
    await booked({ currency: 'JPY' }, false, 'JPY');
    const { lines, ...rest } = await checkBooks(database.db);
    expect(rest).toEqual({ entries: 8, bookings: 3, underWay: 0, mistakes: [] });
    expect(lines.map(({ organizerId, currency }) => [organizerId, currency]).sort()).toEqual([
      [owner.organizerId, 'EUR'],
      [owner.organizerId, 'JPY'],
    ]);
    for (const { balances } of lines) {
      expect(balances).toMatchObject({ provider: 1_000, organizer: -900, buyer: 0, owed: 0 });
      expect(Object.values(balances).reduce((a, b) => a + b, 0)).toBe(0);
    }
  });

  it('finds money that is not where the books say, and says whose', async () => {
    const short = await booked({ captured: 400 });
    const moving = await booked({ captured: 0, step: 'capture' });
    const unbooked = await settle(database.db, entriesOf(owner.eventId, 5), { captured: 70 });
    const damaged = entriesOf(owner.eventId, 6);
    await book(database.db, damaged);
    const damagedId = await settle(database.db, damaged);
    await database.db
      .collection<{ _id: string }>(collections.ledger)
      .updateOne({ _id: `${damagedId}:cash` }, { $set: { 'postings.0.amount': 999.5 } });
    const { mistakes, underWay } = await checkBooks(database.db);
    expect(underWay).toBe(1);
    expect(mistakes.map(({ about }) => about).sort()).toEqual(
      [short, `${damagedId}:cash`, damagedId, damagedId, `pi_${unbooked}`].sort(),
    );
    expect(JSON.stringify(mistakes)).toContain('1000 at the provider by the ledger, 400 by its');
    expect(JSON.stringify(mistakes)).not.toContain(moving);
    const command = run(process.execPath, ['ops/audit/ledger-check.ts', '--uri', database.uri]);
    const { code, stdout } = await command.catch((error) => error);
    expect(code).toBe(1);
    expect(stdout).toContain('5 mistakes');
  }, 30_000);
});

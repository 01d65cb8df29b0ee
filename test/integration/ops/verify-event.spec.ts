import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Row = Document & { _id: string };

describeWith(['mongod', 'nats-server'], 'the verification of an event', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;
  let eventId: string;
  let bookingId: string;

  /** An event with one confirmed booking of two seats. */
  const sell = async (): Promise<void> => {
    eventId = await cluster.openEvent();
    const { holdId: reservationId } = await cluster.hold(eventId, ada, ['A-1', 'A-2']);
    const payment = { method: 'card', token: 'pm_card_visa' };
    const { body } = await cluster.ask('POST', '/v1/checkout', ada, { reservationId, payment });
    bookingId = body.bookingId;
    await cluster.ask('GET', `/v1/bookings/${bookingId}?wait=10`, ada);
    expect(await problems(true)).toEqual([]);
  };

  beforeAll(async () => {
    database = await testDatabase('verify-event');
    cluster = await startBookings(database);
    ada = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const on = (collection: string) => database.db.collection<Row>(collection);
  const problems = async (settled = false): Promise<string[]> => {
    const options = { settled, settleMs: 10_000, lookAgainMs: 20 };
    const { findings } = await verifyEvent(database.db, eventId, options);
    for (const { repair } of findings) expect(repair.length).toBeGreaterThan(5);
    return [...new Set(findings.map(({ problem }) => problem))].sort();
  };

  it('names a ticket that is gone, by its seat and its money', async () => {
    await sell();
    await on('tickets').deleteOne({ bookingId, place: 0 });
    expect(await problems()).toEqual([
      'ledger and tickets differ',
      'money and tickets differ',
      'sold seat without a ticket',
    ]);
  });

  it('names a ticket of a seat that is not sold to it', async () => {
    await sell();
    const ticket = await on('tickets').findOne({ bookingId, place: 0 });
    await on('tickets').insertOne({ ...ticket, _id: `${ticket?._id}X`, place: 5, paid: 0 });
    expect(await problems()).toContain('ticket without a sold seat');
  });

  it('names two tickets of one seat', async () => {
    await sell();
    await on('tickets').dropIndex('one_active_ticket_per_place');
    const ticket = await on('tickets').findOne({ bookingId, place: 0 });
    await on('tickets').insertOne({ ...ticket, _id: `${ticket?._id}X` });
    expect(await problems()).toContain('double booking');
  });

  it('names money without a booking, and a sale without one', async () => {
    await sell();
    await on('bookings').deleteOne({ _id: bookingId });
    expect(await problems()).toEqual(['payment without a booking', 'sale without a booking']);
  });

  it('names what the ledger has too much, and what was returned without being due', async () => {
    await sell();
    const cash = await on('ledger').findOne({ _id: `${bookingId}:cash` });
    await on('ledger').insertOne({ ...cash, _id: `${bookingId}:twice` });
    expect(await problems()).toEqual(['ledger and provider differ', 'the buyer still owes']);
    await sell();
    await on('payments').updateOne({ bookingId }, { $set: { refunded: 500 } });
    expect(await problems()).toEqual(['refunds differ']);
  });

  it('names a booking that is overdue or stuck, and a finished one whose intent is open', async () => {
    await sell();
    const late = { step: 'capture', status: 'selling', dueAt: Date.now() - 120_000 };
    const before = await on('bookings').findOne({ _id: bookingId });
    // A version that cannot be counted on keeps the core nodes from mending it at once.
    await on('bookings').updateOne({ _id: bookingId }, { $set: { ...late, version: 'damaged' } });
    expect(await problems()).toEqual(['booking overdue']);
    const stuck = { ...late, dueAt: Date.now() + 60_000, tries: 30 };
    await on('bookings').updateOne({ _id: bookingId }, { $set: stuck });
    expect(await problems()).toEqual(['booking stuck']);
    await on('bookings').replaceOne({ _id: bookingId }, before ?? {});
    await on('payments').updateOne({ bookingId }, { $set: { status: 'requires_capture' } });
    expect(await problems()).toEqual(['finished with an open intent']);
  });

  it('names a message that was given up, and one that is not delivered', async () => {
    await sell();
    const _id = `${bookingId}:confirmed`;
    await on('bookings_outbox').updateOne({ _id }, { $set: { state: 'failed', why: 'no worker' } });
    expect(await problems()).toEqual(['message given up']);
    const lost = { state: 'open', createdAt: 0, dueAt: Date.now() + 600_000 };
    await on('bookings_outbox').updateOne({ _id }, { $set: lost });
    expect(await problems()).toEqual(['message not delivered']);
  });

  it('names an entry of the journal that is missing', async () => {
    await sell();
    await on('journal').deleteOne({ _id: `${eventId}:000000000003` });
    expect(await problems()).toContain('journal gap');
  });

  it('prints a table and ends with 0 when all agrees, 1 when it does not', async () => {
    await sell();
    const run = () =>
      new Promise<{ code: number; output: string }>((resolve) => {
        const args = ['ops/verify/verify-event.ts', eventId, '--settled', '--uri', database.uri];
        execFile(process.execPath, args, (error, output) =>
          resolve({ code: Number(error?.code ?? 0), output }),
        );
      });
    const good = await run();
    expect(good.code).toBe(0);
    expect(good.output).toMatch(/active tickets +2\n/);
    expect(good.output).toContain('agree');
    await on('tickets').deleteOne({ bookingId, place: 0 });
    const bad = await run();
    expect(bad.code).toBe(1);
    expect(bad.output).toContain('✗ sold seat without a ticket: place 0');
  }, 60_000);
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { createAuditService } from '#services/audit.service.ts';
import { createReportsService } from '#services/reports.service.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, newCaller } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'the books of real bookings', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let broker: ServiceBroker;
  let organizer: Caller;
  let buyer: Buyer;

  beforeAll(async () => {
    database = await testDatabase('books');
    cluster = await startBookings(database);
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createAuditService(runtime), createReportsService(runtime)];
    broker = await startBroker({ services });
    organizer = newCaller();
    buyer = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await broker?.stop();
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const opened = async (free = false): Promise<string> => {
    const eventId = await cluster.openEvent(free);
    const row = { _id: eventId, organizerId: organizer.organizerIds[0], title: 'A play' };
    await database.db.collection<EventRow>('events').insertOne(row as EventRow);
    return eventId;
  };
  const buy = async (eventId: string, seat: string, token?: string): Promise<string> => {
    const { holdId: reservationId } = await cluster.hold(eventId, buyer, [seat]);
    const payment = token === undefined ? {} : { payment: { method: 'card', token } };
    const body = { reservationId, ...payment };
    const { body: started } = await cluster.ask('POST', '/v1/checkout', buyer, body);
    await settled(started.bookingId, ['confirmed', 'cancelled']);
    return started.bookingId;
  };
  const settled = async (bookingId: string, statuses: readonly string[]): Promise<void> => {
    const bookings = database.db.collection<{ _id: string; step: string; status: string }>(
      'bookings',
    );
    for (let look = 0; look < 200; look++) {
      const booking = await bookings.findOne({ _id: bookingId });
      if (booking?.step === 'done' && statuses.includes(booking.status)) return;
      await systemClock.sleep(50);
    }
    throw new Error(`${bookingId} has not settled`);
  };
  const cancel = async (bookingId: string, status: string): Promise<void> => {
    await cluster.ask('POST', `/v1/bookings/${bookingId}/cancel`, buyer, {});
    await settled(bookingId, [status]);
  };
  /** What the log has of a booking, in its order. */
  const actsOf = async (bookingId: string): Promise<string[]> => {
    await call(broker, 'audit.append', {});
    const { items } = await call(broker, 'audit.list', { limit: 100 }, as(organizer));
    const own = items.filter(({ subject }) => subject === bookingId).reverse();
    return own.map(({ act, actor }) => `${act} by ${actor === buyer.userId ? 'buyer' : actor}`);
  };

  it('log, ledger and payouts follow what buyers do', async () => {
    const eventId = await opened();
    const kept = await buy(eventId, 'A-1', 'pm_card_visa');
    const returned = await buy(eventId, 'A-2', 'pm_card_visa');
    await cancel(returned, 'refunded');
    const undone = await buy(eventId, 'A-3', 'pm_card_usher_captureDeclined');
    expect(await actsOf(kept)).toEqual(['booking.sold by buyer', 'payment.captured by system']);
    expect(await actsOf(returned)).toEqual([
      'booking.sold by buyer',
      'payment.captured by system',
      'booking.cancelled by buyer',
      'payment.refunded by system',
    ]);
    expect(await actsOf(undone)).toEqual(['booking.sold by buyer', 'booking.undone by system']);
    expect(await checkBooks(database.db)).toMatchObject({ bookings: 3, mistakes: [] });
    const { items } = await call(broker, 'reports.payouts', {}, as(organizer));
    expect(items).toMatchObject([
      { eventId, gross: 10_000, refunds: 5_000, net: 5_000, captured: 10_000, returned: 5_000 },
    ]);
  }, 60_000);

  it('the log has tickets that cost nothing', async () => {
    const free = await buy(await opened(true), 'A-1');
    await cancel(free, 'cancelled');
    expect(await actsOf(free)).toEqual(['booking.sold by buyer', 'booking.cancelled by buyer']);
  }, 60_000);

  it('the log is as it was written', async () => {
    const { db } = database;
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.map(({ entries, flaws }) => [entries, flaws])).toEqual([[10, []]]);
    expect(unrecorded).toEqual([]);
  });
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { call } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'disputes', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;

  beforeAll(async () => {
    database = await testDatabase('disputes');
    cluster = await startBookings(database);
    ada = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const read = async (bookingId: string): Promise<BookingView> =>
    (await cluster.ask('GET', `/v1/bookings/${bookingId}`, ada)).body;
  const ticketsAre = (status: string) => (view: BookingView) =>
    view.tickets.length > 0 && view.tickets.every((ticket) => ticket.status === status);

  const booked = async (token: string) => {
    const eventId = await cluster.openEvent();
    const { holdId: reservationId } = await cluster.hold(eventId, ada, ['A-1', 'A-2']);
    const body = { reservationId, payment: { method: 'card', token } };
    const { body: answer } = await cluster.ask('POST', '/v1/checkout', ada, body);
    const bookingId: string = answer.bookingId;
    await cluster.until(bookingId, ada, ({ status }) => status === 'confirmed');
    return { eventId, bookingId };
  };
  /** As support sees it. */
  const asked = (params: { bookingId?: string; state?: 'won'; cursor?: string; limit: number }) => {
    const [core] = cluster.cores;
    if (core === undefined) throw new Error('no core node');
    return call(core, 'payments.disputes', params);
  };
  const listed = (bookingId: string) => asked({ bookingId, limit: 10 });
  const control = async (body: object) => {
    const url = `${cluster.simulator.url}/_simulator/disputes`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  const intentOf = async (bookingId: string) => {
    const payment = await database.db.collection('payments').findOne({ bookingId });
    return String(payment?.intentId);
  };

  it('freeze tickets, and set them free when they are won', async () => {
    const { bookingId, eventId } = await booked('pm_card_createDispute');
    await cluster.until(bookingId, ada, ticketsAre('frozen'));
    const { items } = await listed(bookingId);
    expect(items).toMatchObject([
      { bookingId, state: 'open', reason: 'fraudulent', amount: { amount: 10_000 } },
    ]);
    await control({ dispute: items[0]?.disputeId, status: 'won' });
    await cluster.until(bookingId, ada, ticketsAre('valid'));
    expect((await listed(bookingId)).items).toMatchObject([{ state: 'won', status: 'won' }]);
    const { findings } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
  });

  it('void tickets when they are lost', async () => {
    const { bookingId } = await booked('pm_card_visa');
    await control({ payment_intent: await intentOf(bookingId), reason: 'product_not_received' });
    await cluster.until(bookingId, ada, ticketsAre('frozen'));
    const [dispute] = (await listed(bookingId)).items;
    await control({ dispute: dispute?.disputeId, status: 'lost' });
    const lost = await cluster.until(bookingId, ada, ({ status }) => status === 'cancelled');
    expect(lost).toMatchObject({ reason: 'dispute-lost' });
    expect(lost.tickets.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  it('leave tickets as they are while the bank only asks', async () => {
    const { bookingId } = await booked('pm_card_createDisputeInquiry');
    for (let i = 0; i < 50 && (await listed(bookingId)).items.length === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await listed(bookingId)).items).toMatchObject([{ state: 'inquiry' }]);
    expect(ticketsAre('valid')(await read(bookingId))).toBe(true);
  });

  it('are listed by state, page after page, for support only', async () => {
    const ask = (cursor?: string) => asked({ limit: 2, ...(cursor && { cursor }) });
    const first = await ask();
    const second = await ask(first.nextCursor ?? '');
    const ids = [...first.items, ...second.items].map(({ disputeId }) => disputeId);
    expect(new Set(ids).size).toBe(3);
    expect(second.nextCursor).toBeNull();
    const won = await asked({ state: 'won', limit: 10 });
    expect(won.items).toHaveLength(1);
    expect((await cluster.ask('GET', '/v1/support/disputes', ada)).status).toBe(403);
  });
});

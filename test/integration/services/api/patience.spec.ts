import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'a checkout that prefers to wait', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let ada: Buyer;

  beforeAll(async () => {
    database = await testDatabase('patience');
    cluster = await startBookings(database);
    ada = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const checkout = async (token: string, seconds = 8) => {
    const eventId = await cluster.openEvent();
    const { holdId: reservationId } = await cluster.hold(eventId, ada, ['A-1']);
    const body = { reservationId, payment: { method: 'card', token } };
    const key = randomUUID();
    const prefer = { Prefer: `wait=${seconds}` };
    return () => cluster.ask('POST', '/v1/checkout', ada, body, key, prefer);
  };

  const faults = (settings: object) =>
    fetch(`${cluster.simulator.url}/_simulator/faults`, {
      method: 'PUT',
      body: JSON.stringify(settings),
    });

  it('is answered with its tickets, and again the same under its key', async () => {
    const ask = await checkout('pm_card_visa');
    const { status, headers, body } = await ask();
    expect([status, body.status]).toEqual([200, 'confirmed']);
    expect(body.tickets).toHaveLength(1);
    expect(headers.get('location')).toBe(`/v1/bookings/${body.bookingId}`);
    expect(headers.get('preference-applied')).toBe('wait=8');
    expect(headers.get('idempotent-replayed')).toBeNull();
    const again = await ask();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect([again.status, again.body]).toEqual([200, body]);
  });

  it('is answered when the buyer has something to do, or was declined', async () => {
    const secured = await (await checkout('pm_card_threeDSecure2Required'))();
    expect([secured.status, secured.body.status]).toEqual([200, 'requires_action']);
    expect(secured.body.payment.nextActionUrl).toMatch(/^http/);
    const declined = await (await checkout('pm_card_visa_chargeDeclined'))();
    expect([declined.status, declined.body.status]).toEqual([200, 'declined']);
  });

  it('is answered with the booking as it stands when the time is over', async () => {
    await faults({ latencyMs: { p50: 3_000, p99: 3_000 } });
    const ask = await checkout('pm_card_visa', 1);
    const from = performance.now();
    const { status, body } = await ask();
    expect(performance.now() - from).toBeGreaterThan(900);
    expect([status, body.status, body.tickets]).toEqual([200, 'pending', []]);
    await faults({});
    const booking = await cluster.until(body.bookingId, ada, (b) => b.status === 'confirmed');
    expect(booking.tickets).toHaveLength(1);
  });

  it('is refused like any other', async () => {
    const body = { reservationId: 'rsv_01M82HXE5ENP9RZD5NHSE643VN3TVTXGZ5ZT6SF1B95WZ2KTKSSM' };
    const prefer = { Prefer: 'wait=8' };
    const { status } = await cluster.ask('POST', '/v1/checkout', ada, body, randomUUID(), prefer);
    expect(status).toBe(404);
  });
});

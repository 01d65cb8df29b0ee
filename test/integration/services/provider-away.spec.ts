import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { call } from '#broker/call.ts';
import { providerAway } from '#domain/provider-away.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'while the payment provider is away', () => {
  /** One for each: a cluster takes what is due in its database, and asks its own provider. */
  let databases: TestDatabase[] = [];
  let queueing: BookingCluster;
  let refusing: BookingCluster;

  beforeAll(async () => {
    const [one, other] = [await testDatabase('provider-away'), await testDatabase('refusing')];
    databases = [one, other];
    queueing = await startBookings(one);
    refusing = await startBookings(other, { paymentDownPolicy: 'refuse' });
  }, 60_000);

  afterAll(async () => {
    await queueing?.stop();
    await refusing?.stop();
    for (const database of databases) await database.drop();
  }, 60_000);

  const faults = (cluster: BookingCluster, settings: FaultSettings) =>
    fetch(`${cluster.simulator.url}/_simulator/faults`, {
      method: 'PUT',
      body: JSON.stringify(settings),
    });
  const until = async (holds: () => Promise<boolean>, ms = 40_000): Promise<void> => {
    for (const end = Date.now() + ms; !(await holds()); await systemClock.sleep(50)) {
      if (Date.now() > end) throw new Error('it did not happen in time');
    }
  };
  /** Every request is refused until both core nodes have seen it. */
  const breakProvider = async (cluster: BookingCluster): Promise<void> => {
    await faults(cluster, { rules: [{ kind: 'rate-limit' }] });
    for (const core of cluster.cores) {
      const ask = () => call(core, 'payments.read', { intentId: 'pi_1' }, { nodeID: core.nodeID });
      await Promise.all(Array.from({ length: 24 }, () => ask().catch(() => undefined)));
    }
    await systemClock.sleep(600);
  };
  const checkout = async (cluster: BookingCluster, eventId: string, buyer: Buyer, seat: string) => {
    const { holdId: reservationId } = await cluster.hold(eventId, buyer, [seat]);
    const body = { reservationId, payment: { method: 'card', token: 'pm_card_visa' } };
    return cluster.ask('POST', '/v1/checkout', buyer, body);
  };

  it('checkouts are queued, shown as such, and go on when it is back', async () => {
    const eventId = await queueing.openEvent();
    const buyers = await Promise.all([1, 2, 3].map(() => queueing.buyer()));
    await breakProvider(queueing);
    const started = await Promise.all(
      buyers.map((buyer, i) => checkout(queueing, eventId, buyer, `A-${i + 1}`)),
    );
    expect(started.map(({ status }) => status)).toEqual([202, 202, 202]);
    const bookings = () =>
      Promise.all(
        buyers.map((buyer, i) =>
          queueing.ask('GET', `/v1/bookings/${started[i]?.body.bookingId}`, buyer),
        ),
      );
    expect((await bookings()).map(({ body }) => [body.status, body.reason])).toEqual(
      buyers.map(() => ['pending', providerAway]),
    );
    const [core] = queueing.cores;
    if (core === undefined) throw new Error('no core node');
    const backlog = await call(core, 'payments.backlog', {});
    expect(backlog).toMatchObject({
      provider: 'away',
      count: 3,
      sums: [{ reason: providerAway, count: 3, amounts: [{ amount: 15_000, currency: 'EUR' }] }],
    });
    await faults(queueing, {});
    await until(async () => (await bookings()).every(({ body }) => body.status === 'confirmed'));
    expect((await bookings()).every(({ body }) => body.reason === undefined)).toBe(true);
    expect(await call(core, 'payments.backlog', {})).toMatchObject({
      provider: 'answers',
      count: 0,
    });
  }, 90_000);

  it('or refused with a time to come back, before anything is written', async () => {
    const eventId = await refusing.openEvent();
    const buyer = await refusing.buyer();
    await breakProvider(refusing);
    const refused = await checkout(refusing, eventId, buyer, 'A-1');
    expect([refused.status, refused.body.code]).toEqual([503, providerAway]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await databases[1]?.db.collection('bookings').countDocuments({ eventId })).toBe(0);
    const free = await refusing.openEvent(true);
    expect((await checkout(refusing, free, buyer, 'A-1')).status).toBe(202);
    await faults(refusing, {});
    const { holdId: reservationId } = await refusing.hold(eventId, buyer, ['A-2']);
    const body = { reservationId, payment: { method: 'card', token: 'pm_card_visa' } };
    await until(async () => {
      return (await refusing.ask('POST', '/v1/checkout', buyer, body)).status === 202;
    });
  }, 90_000);
});

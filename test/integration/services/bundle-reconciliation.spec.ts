import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { call } from '#broker/call.ts';
import { type Shop, startShop } from '#test/integration/services/bundles-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'reconciliation of the payments of bundles', () => {
  let database: TestDatabase;
  let shop: Shop;

  beforeAll(async () => {
    database = await testDatabase('bundle-reconciliation');
    shop = await startShop(database);
    shop.buyer = await shop.house.person();
  }, 60_000);

  afterAll(async () => {
    await shop?.house.stop();
    await database?.drop();
  }, 60_000);

  it('closes a payment that was made again because nobody answered', async () => {
    const { broker, simulator } = shop.house;
    const rule = { operation: 'payment_intents.create', kind: 'error', after: true, times: 1 };
    const body = JSON.stringify({ rules: [rule] });
    await fetch(`${simulator.url}/_simulator/faults`, { method: 'PUT', body });
    const { status, bundleId } = await shop.order();
    expect(status).toBe('confirmed');
    const reconcile = () => call(broker, 'payments.reconcile', { olderThanMs: 0, safeAgeMs: 0 });
    const { findings } = await reconcile();
    const told = findings.map(({ problem, bookingId, outcome }) => [problem, bookingId, outcome]);
    expect(told).toEqual([['open-after-end', bundleId, 'settled']]);
    expect((await reconcile()).findings).toEqual([]);
  }, 60_000);
});

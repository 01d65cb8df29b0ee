import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Shop, startShop } from '#test/integration/services/bundles-kit.ts';
import type { House, Person } from '#test/integration/services/house-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const nothing = { tiers: [], feePerTicket: 0, returnServiceFees: false };

describeWith(['mongod', 'nats-server'], 'a bundle over HTTP', () => {
  let database: TestDatabase;
  let shop: Shop;
  let house: House;
  let buyer: Person;
  let events: readonly string[];

  beforeAll(async () => {
    database = await testDatabase('bundle-cancelling');
    shop = await startShop(database);
    ({ house, events } = shop);
  }, 60_000);

  beforeEach(async () => {
    buyer = await house.person();
    shop.buyer = buyer;
  });

  afterAll(async () => {
    await house?.stop();
    await database?.drop();
  }, 60_000);

  it('is cancelled as a whole and returns everything', async () => {
    const before = await shop.free();
    const { bundleId, events: parts } = await shop.order();
    const { bookingId } = parts[0].booking;
    const single = await house.ask('POST', `/v1/bookings/${bookingId}/cancel`, buyer, {});
    expect([single.status, single.body.code]).toEqual([409, 'not-cancellable']);
    const key = randomUUID();
    const path = `/v1/bundle-orders/${bundleId}/cancel`;
    const { status, body } = await house.ask('POST', path, buyer, {}, key);
    expect([status, body.refund.amount]).toEqual([202, { amount: 27_000, currency: 'EUR' }]);
    expect((await house.ask('POST', path, buyer, {}, key)).body).toEqual(body);
    expect((await shop.settled(bundleId, 'refunded')).status).toBe('refunded');
    await shop.becomesFree(before);
    expect(await house.mistakes(events)).toEqual([]);
    expect((await house.ask('POST', path, buyer, {})).body.code).toBe('not-cancellable');
  }, 30_000);

  it('lets single events go at their part of the price when it is divisible', async () => {
    const divisible = await shop.offer({ discountBasisPoints: 1_000, divisible: true });
    const { bundleId, events: parts } = await shop.order('pm_card_visa', divisible);
    const { bookingId } = parts[1].booking;
    const { body } = await house.ask('POST', `/v1/bookings/${bookingId}/cancel`, buyer, {});
    expect(body.refund.amount.amount).toBe(9_000);
    await shop.settled(bundleId, 'partially_refunded');
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
    const payments = database.db.collection('payments');
    expect(await payments.findOne({ bookingId: bundleId })).toMatchObject({ refunded: 9_000 });
    const path = `/v1/bundle-orders/${bundleId}/cancel`;
    const rest = await house.ask('POST', path, buyer, {});
    expect(rest.body.refund.amount.amount).toBe(18_000);
    await shop.settled(bundleId, 'refunded');
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('returns the part of an event that is cancelled', async () => {
    const [kept, gone] = await Promise.all([house.event(), house.event()]);
    const both = [{ eventId: kept }, { eventId: gone }];
    const body = { name: 'Two', events: both, fixedPrice: 8_000 };
    const made = await house.ask('POST', '/v1/organizer/bundles', house.organizer, body);
    const { bundleId } = await shop.order('pm_card_visa', made.body.packageId);
    const path = `/v1/organizer/events/${gone}/cancel`;
    expect((await house.ask('POST', path, house.organizer, {})).status).toBe(200);
    await shop.settled(bundleId, 'partially_refunded');
    await shop.quiet();
    const { events: parts } = await shop.read(bundleId);
    const statusOf = (eventId: string) =>
      parts.find((one: { eventId: string }) => one.eventId === eventId).booking.status;
    expect([statusOf(kept), statusOf(gone)]).toEqual(['confirmed', 'refunded']);
    const payments = database.db.collection('payments');
    const found = await payments.findOne({ bookingId: bundleId });
    expect(found).toMatchObject({ captured: 16_000, refunded: 8_000 });
    expect(await house.mistakes([kept, gone])).toEqual([]);
  }, 60_000);

  it('says beforehand what its cancellation returns, event by event', async () => {
    const { bundleId, events: parts } = await shop.order();
    const path = `/v1/bundle-orders/${bundleId}`;
    const { status, body } = await house.ask('GET', `${path}/cancellation`, buyer);
    const euro = (amount: number) => ({ amount, currency: 'EUR' });
    expect([status, body.refund, body.kept]).toEqual([200, euro(27_000), euro(0)]);
    const said = body.events.map((one: { eventId: string; bookingId: string }) => [
      one.eventId,
      one.bookingId,
    ]);
    expect(said).toEqual(
      parts.map((one: { eventId: string; booking: { bookingId: string } }) => [
        one.eventId,
        one.booking.bookingId,
      ]),
    );
    expect(body.events[0]).toMatchObject({ refund: euro(9_000), reason: 'tier' });
    const other = await house.person();
    expect((await house.ask('GET', `${path}/cancellation`, other)).status).toBe(404);
    expect((await house.ask('POST', `${path}/cancel`, buyer, {})).body.refund.amount).toEqual(
      body.refund,
    );
    await shop.settled(bundleId, 'refunded');
    const late = await house.ask('GET', `${path}/cancellation`, buyer);
    expect([late.status, late.body.code]).toEqual([409, 'not-cancellable']);
    const { body: held } = await shop.reserve();
    const early = await house.ask('GET', `/v1/bundle-orders/${held.bundleId}/cancellation`, buyer);
    expect(early.body.code).toBe('not-cancellable');
    await house.ask('DELETE', `/v1/bundle-orders/${held.bundleId}`, buyer);
  }, 30_000);

  it('by support may set the rules aside; the log says who and why', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => house.event({ refundRules: nothing })));
    const body = {
      name: 'Strict',
      events: [{ eventId: one }, { eventId: two }],
      fixedPrice: 8_000,
    };
    const made = await house.ask('POST', '/v1/organizer/bundles', house.organizer, body);
    const { bundleId, events: parts } = await shop.order('pm_card_visa', made.body.packageId);
    const preview = await house.ask('GET', `/v1/bundle-orders/${bundleId}/cancellation`, buyer);
    expect(preview.body).toMatchObject({ refund: { amount: 0 }, kept: { amount: 16_000 } });
    const path = `/v1/support/bundle-orders/${bundleId}/cancel`;
    const wish = { waiveRules: true, reason: 'Illness' };
    expect((await house.ask('POST', path, buyer, wish)).status).toBe(404);
    const stranger = await house.person({ organizer: { name: 'Another house' } });
    expect((await house.ask('POST', path, stranger, wish)).status).toBe(404);
    const support = await house.support();
    expect((await house.ask('POST', path, support, { waiveRules: true })).status).toBe(422);
    const key = randomUUID();
    const done = await house.ask('POST', path, support, wish, key);
    expect([done.status, done.body.refund.amount.amount]).toEqual([202, 16_000]);
    expect((await house.ask('POST', path, support, wish, key)).body).toEqual(done.body);
    await shop.settled(bundleId, 'refunded');
    expect(await house.mistakes([one ?? '', two ?? ''])).toEqual([]);
    const acts = await house.acts(parts[0].booking.bookingId);
    expect(acts).toContainEqual(['booking.cancelled', support.userId]);
  }, 30_000);
});

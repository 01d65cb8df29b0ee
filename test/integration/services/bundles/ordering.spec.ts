import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { call } from '#broker/call.ts';
import { card, openShop, Shop, startShop } from '#test/integration/services/bundles-kit.ts';
import type { House, Person } from '#test/integration/services/house-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const euro = (amount: number) => ({ amount, currency: 'EUR' });
const percent = (basisPoints: number) => ({ off: { by: 'percent', basisPoints } });
type Part = { eventId: string; total: object; booking: { bookingId: string } };

describeWith(['mongod', 'nats-server'], 'offers on packages over HTTP', () => {
  let database: TestDatabase;
  let shop: Shop;
  let house: House;
  let buyer: Person;
  let events: readonly string[];

  beforeAll(async () => {
    database = await testDatabase('bundle-ordering');
    ({ house } = await startShop(database));
  }, 60_000);

  beforeEach(async () => {
    shop = await openShop(house, database);
    ({ buyer, events } = shop);
  });

  afterAll(async () => {
    await house?.stop();
    await database?.drop();
  }, 60_000);

  it('a code is previewed, taken once, and divides over the bookings', async () => {
    const { promoId, code } = await shop.promo({ ...percent(1_000), perBuyerMax: 1 });
    const { body: held } = await shop.reserve();
    const { bundleId } = held;
    const { status, body: quoted } = await shop.quote(bundleId, { promoCode: code });
    expect(status).toBe(200);
    const price = {
      separately: euro(30_000),
      discount: euro(3_000),
      promo: { code, amount: euro(2_700) },
      total: euro(24_300),
    };
    expect(quoted).toMatchObject({ bundleId, price, toPay: euro(24_300) });
    expect(quoted.events.map((one: Part) => one.total)).toEqual([8_100, 8_100, 8_100].map(euro));
    expect(await shop.used(promoId)).toBe(0);
    const begun = await shop.checkout(bundleId, { ...card(), promoCode: code });
    expect([begun.status, begun.body.code]).toEqual([202, undefined]);
    const done = await shop.read(bundleId);
    expect(done).toMatchObject({ status: 'confirmed', price });
    expect(done.events.map((one: Part) => one.total)).toEqual([8_100, 8_100, 8_100].map(euro));
    expect(await shop.used(promoId)).toBe(1);
    for (const { booking } of done.events as Part[]) {
      const { body } = await house.ask('GET', `/v1/bookings/${booking.bookingId}`, buyer);
      expect(body).toMatchObject({ total: euro(8_100), discount: { code, amount: euro(900) } });
    }
    const payments = database.db.collection('payments');
    expect(await payments.findOne({ bookingId: bundleId })).toMatchObject({ captured: 24_300 });
    expect(await house.mistakes(events)).toEqual([]);
    // Its buyer has used it.
    const { body: again } = await shop.reserve();
    const { body: refused } = await shop.quote(again.bundleId, { promoCode: code });
    expect([refused.code, refused.limit]).toEqual(['promo-code-used-up', 'buyer']);
    const path = `/v1/bundle-orders/${bundleId}/cancel`;
    const cancelled = await house.ask('POST', path, buyer, {});
    expect(cancelled.body.refund.amount).toEqual(euro(24_300));
    await shop.settled(bundleId, 'refunded');
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
    await house.ask('DELETE', `/v1/bundle-orders/${again.bundleId}`, buyer);
  }, 30_000);

  it('answers with what has become of it, for whom prefers to wait', async () => {
    const { body: held } = await shop.reserve();
    const order = { bundleId: held.bundleId, ...card() };
    const prefer = { Prefer: 'wait=9' };
    const path = '/v1/bundles/checkout';
    const { status, body } = await house.ask('POST', path, buyer, order, randomUUID(), prefer);
    expect([status, body.status]).toEqual([200, 'confirmed']);
  });

  it('a code for one of its events takes its part off that one alone', async () => {
    const [, second] = events;
    const { code } = await shop.promo({ ...percent(5_000), eventIds: [second] });
    const done = await shop.order('pm_card_visa', shop.packageId, { promoCode: code });
    expect(done).toMatchObject({ status: 'confirmed', price: { total: euro(22_500) } });
    expect(done.events.map((one: Part) => one.total)).toEqual([9_000, 4_500, 9_000].map(euro));
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('gives a use back when it ends without a sale, for another buyer', async () => {
    const { promoId, code } = await shop.promo({ ...percent(1_000), redemptionsMax: 1 });
    const codes = { promoCode: code };
    const { body: mine } = await shop.reserve();
    const declined = { ...card('pm_card_visa_chargeDeclined'), ...codes };
    expect((await shop.checkout(mine.bundleId, declined)).status).toBe(202);
    await shop.settled(mine.bundleId, 'declined');
    expect(await shop.used(promoId)).toBe(1);
    shop.buyer = await house.person();
    const { body: theirs } = await shop.reserve();
    const late = await shop.checkout(theirs.bundleId, { ...card(), ...codes });
    expect([late.status, late.body.code]).toEqual([409, 'promo-code-used-up']);
    const path = `/v1/bundle-orders/${mine.bundleId}/cancel`;
    expect((await house.ask('POST', path, buyer, {})).status).toBe(202);
    const cancelled = async () => {
      const path = `/v1/bundle-orders/${mine.bundleId}`;
      return (await house.ask('GET', path, buyer)).body.status === 'cancelled';
    };
    for (let look = 0; look < 100 && !(await cancelled()); look++) await systemClock.sleep(50);
    expect(await shop.used(promoId)).toBe(0);
    const begun = await shop.checkout(theirs.bundleId, { ...card(), ...codes });
    expect([begun.status, begun.body.code]).toEqual([202, undefined]);
    expect((await shop.read(theirs.bundleId)).status).toBe('confirmed');
    expect(await shop.used(promoId)).toBe(1);
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('keeps its price in another attempt, which may not bring another code', async () => {
    const [one, two] = [await shop.promo(percent(1_000)), await shop.promo(percent(2_000))];
    const declined = card('pm_card_visa_chargeDeclined');
    const { body: held } = await shop.reserve();
    await shop.checkout(held.bundleId, { ...declined, promoCode: one.code });
    await shop.settled(held.bundleId, 'declined');
    const other = await shop.checkout(held.bundleId, { ...card(), promoCode: two.code });
    expect([other.status, other.body.code]).toEqual([422, 'invalid-request']);
    expect(other.body.errors).toMatchObject([{ path: 'promoCode' }]);
    expect((await shop.checkout(held.bundleId, card())).status).toBe(202);
    const done = await shop.read(held.bundleId);
    expect(done).toMatchObject({ status: 'confirmed', price: { total: euro(24_300) } });
    expect([await shop.used(one.promoId), await shop.used(two.promoId)]).toEqual([1, 0]);
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('refuses a code that is not for it by name, and begins nothing', async () => {
    const { body: held } = await shop.reserve();
    const elsewhere = await house.event();
    const codes = {
      'promo-code-unknown': 'nobody-knows',
      'promo-code-not-applicable': (await shop.promo({ ...percent(1), eventIds: [elsewhere] }))
        .code,
      'promo-code-inactive': (await shop.promo({ ...percent(1), validTo: '2020-01-01T00:00:00Z' }))
        .code,
    };
    for (const [refusal, promoCode] of Object.entries(codes)) {
      const { body: quoted } = await shop.quote(held.bundleId, { promoCode });
      const { status, body } = await shop.checkout(held.bundleId, { ...card(), promoCode });
      expect([quoted.code, status, body.code]).toEqual([refusal, 422, refusal]);
    }
    expect((await shop.read(held.bundleId)).status).toBe('held');
    const path = `/v1/bundle-orders/${held.bundleId}`;
    expect((await house.ask('DELETE', path, buyer)).status).toBe(204);
    const { body: gone } = await shop.quote(held.bundleId, {});
    expect(gone.code).toBe('reservation-released');
  });

  it('that has nothing left to pay needs no card', async () => {
    const { code } = await shop.promo(percent(10_000));
    const { body: held } = await shop.reserve();
    const missing = await shop.checkout(held.bundleId, {});
    expect([missing.status, missing.body.code]).toEqual([422, 'invalid-request']);
    expect((await shop.checkout(held.bundleId, { promoCode: code })).status).toBe(202);
    const done = await shop.read(held.bundleId);
    expect(done).toMatchObject({ status: 'confirmed', payment: { status: 'not_required' } });
    expect(await database.db.collection('payments').findOne({ bookingId: held.bundleId })).toBe(
      null,
    );
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('a voucher pays a part, is spent with the sale, and has it back last', async () => {
    const { code } = await shop.voucher(10_000);
    const { body: held } = await shop.reserve();
    const { bundleId } = held;
    const { body: quoted } = await shop.quote(bundleId, { voucher: code });
    expect(quoted).toMatchObject({ voucher: euro(10_000), toPay: euro(17_000) });
    expect(await shop.balance(code)).toBe(10_000);
    const spelt = code.toLowerCase().replaceAll('-', ' ');
    const begun = await shop.checkout(bundleId, { ...card(), voucher: spelt });
    expect([begun.status, begun.body.code]).toEqual([202, undefined]);
    const done = await shop.read(bundleId);
    expect(done).toMatchObject({ status: 'confirmed', voucher: euro(10_000) });
    expect(done.price).toMatchObject({ total: euro(27_000) });
    expect(await shop.balance(code)).toBe(0);
    const payments = database.db.collection('payments');
    expect(await payments.findOne({ bookingId: bundleId })).toMatchObject({ captured: 17_000 });
    const read = async ({ booking }: Part) =>
      (await house.ask('GET', `/v1/bookings/${booking.bookingId}`, buyer)).body;
    const parts: Part[] = done.events;
    const own = (await Promise.all(parts.map(read))).map((one) => one.voucher.amount);
    expect(own).toEqual([3_334, 3_333, 3_333]);
    expect(await house.mistakes(events)).toEqual([]);
    const path = `/v1/bundle-orders/${bundleId}/cancel`;
    const { body } = await house.ask('POST', path, buyer, {});
    expect(body.refund.amount).toEqual(euro(27_000));
    await shop.settled(bundleId, 'refunded');
    await shop.quiet();
    expect(await shop.balance(code)).toBe(10_000);
    expect(await payments.findOne({ bookingId: bundleId })).toMatchObject({ refunded: 17_000 });
    const [first] = await Promise.all(parts.map(read));
    const refunds = first.refunds.map((r: { amount: object; to: string }) => [r.to, r.amount]);
    expect(refunds).toEqual([
      ['card', euro(5_666)],
      ['voucher', euro(3_334)],
    ]);
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('a voucher that pays all of it, after a code, needs no card', async () => {
    const [voucher, promo] = [await shop.voucher(30_000), await shop.promo(percent(1_000))];
    const codes = { voucher: voucher.code, promoCode: promo.code };
    const { body: held } = await shop.reserve();
    const { body: quoted } = await shop.quote(held.bundleId, codes);
    expect(quoted).toMatchObject({ voucher: euro(24_300), toPay: euro(0) });
    expect((await shop.checkout(held.bundleId, codes)).status).toBe(202);
    const done = await shop.read(held.bundleId);
    expect(done).toMatchObject({ status: 'confirmed', payment: { status: 'not_required' } });
    const payments = database.db.collection('payments');
    expect(await payments.countDocuments({ bookingId: held.bundleId })).toBe(0);
    expect(await shop.balance(voucher.code)).toBe(5_700);
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('a voucher has back at once what ends without a sale', async () => {
    const { code } = await shop.voucher(10_000);
    const refused = card('pm_card_usher_captureDeclined');
    const { body: held } = await shop.reserve();
    await shop.checkout(held.bundleId, { ...refused, voucher: code });
    expect(await shop.read(held.bundleId)).toMatchObject({
      status: 'cancelled',
      reason: 'capture-failed',
    });
    expect(await shop.balance(code)).toBe(10_000);
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('a voucher set aside for one is not there for another', async () => {
    const { code } = await shop.voucher(10_000);
    const { body: one } = await shop.reserve(shop.packageId, { quantity: 1 });
    const { body: two } = await shop.reserve(shop.packageId, { quantity: 1 });
    const answers = await Promise.all(
      [one, two].map(({ bundleId }) => shop.checkout(bundleId, { ...card(), voucher: code })),
    );
    const codes = answers.map(({ status, body }) => body.code ?? status).sort();
    expect(codes).toEqual([202, 'voucher-used-up']);
    expect(await shop.balance(code)).toBe(0);
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('of packages that race for the last uses of a code, as many have it', async () => {
    const { promoId, code } = await shop.promo({ ...percent(1_000), redemptionsMax: 3 });
    const shops: { shop: Shop; bundleId: string }[] = [];
    while (shops.length < 6) {
      const own = new Shop(house, database, events, await house.person());
      const { body } = await own.reserve(shop.packageId, { quantity: 1 });
      shops.push({ shop: own, bundleId: body.bundleId });
    }
    const answers = await Promise.all(
      shops.map((one) => one.shop.checkout(one.bundleId, { ...card(), promoCode: code })),
    );
    const codes = answers.map(({ status, body }) => String(body.code ?? status)).sort();
    const refused = 'promo-code-used-up';
    expect(codes).toEqual(['202', '202', '202', refused, refused, refused]);
    expect(await shop.used(promoId)).toBe(3);
    const begun = shops.filter((_, i) => answers[i]?.status === 202);
    for (const one of begun) await one.shop.settled(one.bundleId, 'confirmed');
    await shop.quiet();
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('is not paid in parts: the refusal says what to do', async () => {
    const { body: held } = await shop.reserve();
    const payment = { method: 'card', token: 'pm_card_visa', plan: 'halves' };
    const { status, body } = await shop.checkout(held.bundleId, { payment });
    expect([status, body.code]).toEqual([422, 'invalid-request']);
    expect(body.errors).toEqual([
      { path: 'payment.plan', message: expect.stringContaining('book the events one by one') },
    ]);
    expect((await shop.read(held.bundleId)).status).toBe('held');
  });

  it('reconciliation finds nothing amiss', async () => {
    await shop.quiet();
    const asked = { olderThanMs: 0 };
    const { findings } = await call(house.broker, 'payments.reconcile', asked);
    expect(findings).toEqual([]);
  }, 60_000);
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { call } from '#broker/call.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { card, type Shop, startShop } from '#test/integration/services/bundles-kit.ts';
import type { House, Person } from '#test/integration/services/house-kit.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type PayoutRow = { eventId: string; net: number; captured: number };

describeWith(['mongod', 'nats-server'], 'packages over HTTP', () => {
  let database: TestDatabase;
  let shop: Shop;
  let house: House;
  let buyer: Person;
  let events: readonly string[];
  let packageId: string;

  beforeAll(async () => {
    database = await testDatabase('bundles');
    shop = await startShop(database);
    ({ house, events, packageId } = shop);
  }, 60_000);

  beforeEach(async () => {
    buyer = await house.person();
    shop.buyer = buyer;
  });

  afterAll(async () => {
    await house?.stop();
    await database?.drop();
  }, 60_000);

  it('shows a package with its events, free seats and price', async () => {
    const { body, status } = await house.ask('GET', `/v1/bundles/${packageId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: 'on-sale', left: null, divisible: false });
    expect(body.price).toEqual({
      separately: { amount: 15_000, currency: 'EUR' },
      total: { amount: 13_500, currency: 'EUR' },
    });
    expect(body.events).toHaveLength(3);
    expect(body.events[0]).toMatchObject({ eventId: events[0], saleState: 'on-sale' });
    const { body: list } = await house.ask('GET', '/v1/bundles');
    expect(list.items.map((one: { packageId: string }) => one.packageId)).toContain(packageId);
  });

  it('refuses packages that are not one', async () => {
    const [first = '', second = ''] = events;
    const make = async (body: object) => {
      const answer = await house.ask('POST', '/v1/organizer/bundles', house.organizer, body);
      return answer.body.code;
    };
    const base = { name: 'x', discountBasisPoints: 500 };
    const both = [{ eventId: first }, { eventId: second }];
    expect(await make({ ...base, events: [{ eventId: first }] })).toBe('invalid-request');
    expect(await make({ ...base, events: [...both, { eventId: first }] })).toBe('invalid-request');
    expect(await make({ ...base, fixedPrice: 1, events: both })).toBe('invalid-request');
    expect(await make({ name: 'x', events: both })).toBe('invalid-request');
    const odd = [{ eventId: first, category: 'Z' }, { eventId: second }];
    expect(await make({ ...base, events: odd })).toBe('invalid-request');
    const dollars = await house.event({ currency: 'USD' });
    const mixed = [{ eventId: first }, { eventId: dollars }];
    expect(await make({ ...base, events: mixed })).toBe('invalid-request');
    const stranger = await house.ask('POST', '/v1/organizer/bundles', buyer, {
      ...base,
      events: both,
    });
    expect(stranger.status).toBe(403);
  });

  it('holds all events, sells them with one payment and books each by itself', async () => {
    const before = await shop.free();
    const { body: held, status } = await shop.reserve();
    expect([status, held.status]).toEqual([200, 'held']);
    expect(held.price.total).toEqual({ amount: 27_000, currency: 'EUR' });
    expect(held.events.map((one: { total: object }) => one.total)).toEqual(
      events.map(() => ({ amount: 9_000, currency: 'EUR' })),
    );
    const body = { bundleId: held.bundleId, ...card() };
    const { body: begun } = await house.ask('POST', '/v1/bundles/checkout', buyer, body);
    expect(begun.bookings).toHaveLength(3);
    const done = await shop.read(held.bundleId);
    expect(done).toMatchObject({ status: 'confirmed', payment: { status: 'succeeded' } });
    await shop.becomesFree(before - 2);
    const mine = (await house.ask('GET', '/v1/bookings', buyer)).body.items;
    expect(mine).toHaveLength(3);
    for (const booking of mine) {
      expect(booking).toMatchObject({
        bundleId: held.bundleId,
        status: 'confirmed',
        total: { amount: 9_000 },
        payment: { status: 'succeeded' },
      });
      expect(booking.tickets).toHaveLength(2);
    }
    const payments = database.db.collection('payments');
    expect(await payments.find({ bookingId: held.bundleId }).toArray()).toMatchObject([
      { captured: 27_000, status: 'succeeded' },
    ]);
    expect(await house.mistakes(events)).toEqual([]);
    const path = '/v1/organizer/reports/payouts';
    const { body: report } = await house.ask('GET', path, house.organizer);
    const items: PayoutRow[] = report.items;
    const own = items.filter(({ eventId }) => events.includes(eventId));
    expect(own.map(({ net, captured }) => [net, captured])).toEqual(
      events.map(() => [9_000, 9_000]),
    );
  }, 30_000);

  it('answers the same request with the same bundle', async () => {
    const key = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => shop.reserve(packageId, {}, key)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.bundleId)).size).toBe(1);
    const other = await shop.reserve(packageId, { quantity: 1 }, key);
    expect(other.body.code).toBe('idempotency-key-reused');
    const { bundleId } = answers[0]?.body ?? {};
    const path = `/v1/bundle-orders/${bundleId}`;
    expect((await house.ask('DELETE', path, buyer)).status).toBe(204);
    expect((await house.ask('DELETE', path, buyer)).status).toBe(204);
    expect((await shop.read(bundleId)).status).toBe('released');
    expect((await house.ask('GET', path, await house.person())).status).toBe(404);
  });

  it('holds nothing when one event has no such seats, and says which', async () => {
    const before = await shop.atRest();
    const [, second = ''] = events;
    const other = await house.person();
    const first = await house.ask('POST', '/v1/reserve', other, {
      eventId: second,
      best: { quantity: 1, category: 'A' },
    });
    expect(first.status).toBe(200);
    const [seat] = first.body.seats;
    const { status, body } = await shop.reserve(packageId, {
      quantity: 1,
      seats: { [second]: [seat.id] },
    });
    expect([status, body.code, body.eventId]).toEqual([409, 'seats-unavailable', second]);
    await shop.becomesFree(before);
    await house.ask('DELETE', `/v1/reservations/${first.body.reservationId}`, other);
  });

  it('keeps to its limit, and gives back what is not ordered', async () => {
    const limited = await shop.offer({ fixedPrice: 9_000, limit: 3 });
    const { body: held } = await shop.reserve(limited);
    expect(held.price).toMatchObject({ total: { amount: 18_000 }, discount: { amount: 12_000 } });
    const refused = await shop.reserve(limited);
    expect([refused.status, refused.body.code]).toEqual([409, 'sold-out']);
    await house.ask('DELETE', `/v1/bundle-orders/${held.bundleId}`, buyer);
    const again = await shop.reserve(limited);
    expect(again.status).toBe(200);
    await house.ask('DELETE', `/v1/bundle-orders/${again.body.bundleId}`, buyer);
  });

  it('is not had before its sale, after it, or disabled', async () => {
    const later = await shop.offer({ fixedPrice: 1, sale: { opensAt: '2999-01-01T00:00:00Z' } });
    expect((await shop.reserve(later)).body.code).toBe('not-on-sale');
    const path = `/v1/organizer/bundles/${later}`;
    const patch = { version: 1, disabled: true };
    expect((await house.ask('PATCH', path, house.organizer, patch)).body.version).toBe(2);
    expect((await shop.reserve(later)).status).toBe(404);
    const stale = await house.ask('PATCH', path, house.organizer, patch);
    expect(stale.body.code).toBe('stale-version');
  });

  it('stays with its holds after a decline; another attempt sells it', async () => {
    const declined = await shop.order('pm_card_visa_chargeDeclined');
    expect(declined).toMatchObject({ status: 'declined', payment: { status: 'canceled' } });
    const body = { bundleId: declined.bundleId, ...card() };
    expect((await house.ask('POST', '/v1/bundles/checkout', buyer, body)).status).toBe(202);
    expect((await shop.read(declined.bundleId)).status).toBe('confirmed');
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('undoes all sales when the capture is refused', async () => {
    const before = await shop.free();
    const undone = await shop.order('pm_card_usher_captureDeclined');
    expect(undone).toMatchObject({ status: 'cancelled', reason: 'capture-failed' });
    await shop.quiet();
    await shop.becomesFree(before);
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('is paid by the browser, or with a saved card', async () => {
    const { body: held } = await shop.reserve();
    const ask = { bundleId: held.bundleId, payment: { method: 'card', savePaymentMethod: true } };
    expect((await house.ask('POST', '/v1/bundles/checkout', buyer, ask)).status).toBe(202);
    const waiting = await shop.settled(held.bundleId, 'requires_action');
    const secret: string = waiting.payment.clientSecret;
    const form = new URLSearchParams({
      key: 'pk_test_x',
      client_secret: secret,
      'payment_method_data[type]': 'card',
      'payment_method_data[card][number]': '4242424242424242',
      return_url: 'https://example.com/back',
    });
    const url = `${house.simulator.url}/v1/payment_intents/${secret.split('_secret_')[0]}/confirm`;
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200);
    await shop.settled(held.bundleId, 'confirmed');
    const { body: saved } = await house.ask('GET', '/v1/account/payment-methods', buyer);
    const [{ paymentMethodId }] = saved.items;
    const { body: next } = await shop.reserve();
    const payment = { method: 'card', paymentMethodId };
    const again = { bundleId: next.bundleId, payment };
    expect((await house.ask('POST', '/v1/bundles/checkout', buyer, again)).status).toBe(202);
    await shop.settled(next.bundleId, 'confirmed');
    for (const { bundleId } of [held, next]) {
      await house.ask('POST', `/v1/bundle-orders/${bundleId}/cancel`, buyer, {});
      await shop.settled(bundleId, 'refunded');
    }
  });

  it('has all its tickets frozen while its payment is disputed', async () => {
    const { bundleId } = await shop.order('pm_card_createDispute');
    const tickets = async () => {
      const own = await database.db.collection('bookings').find({ 'bundle.bundleId': bundleId });
      const bookingId = { $in: (await own.toArray()).map((b) => String(b._id)) };
      const found = await database.db.collection('tickets').find({ bookingId }).toArray();
      return found.map((ticket) => String(ticket.status));
    };
    const become = async (status: string) => {
      const all = new Array(6).fill(status);
      for (let look = 0; look < 200 && `${await tickets()}` !== `${all}`; look++)
        await systemClock.sleep(50);
      expect(await tickets()).toEqual(all);
    };
    await become('frozen');
    const dispute = await database.db
      .collection('payment_disputes')
      .findOne({ bookingId: bundleId });
    const verdict = JSON.stringify({ dispute: dispute?._id, status: 'won' });
    await fetch(`${house.simulator.url}/_simulator/disputes`, { method: 'POST', body: verdict });
    await become('valid');
  });

  it('loses all its tickets with a dispute, each booking its part', async () => {
    const { bundleId } = await shop.order();
    const news = { bundleId, disputeId: 'dp_1', state: 'lost', amount: 27_000 } as const;
    expect(await call(house.broker, 'bundles.disputed', news)).toEqual({ known: true });
    expect(await call(house.broker, 'bundles.disputed', news)).toEqual({ known: true });
    await shop.settled(bundleId, 'cancelled');
    await shop.quiet();
    const { events: parts } = await shop.read(bundleId);
    const bookings = database.db.collection<{ _id: string; disputes: { taken: number }[] }>(
      'bookings',
    );
    for (const { booking } of parts) {
      const found = await bookings.findOne({ _id: booking.bookingId });
      expect(found?.disputes).toMatchObject([{ taken: 9_000 }]);
    }
    expect(await house.mistakes(events)).toEqual([]);
  }, 30_000);

  it('goes to as many buyers at once as there are seats in every event', async () => {
    const [one = '', two = ''] = await Promise.all([house.event(), house.event()]);
    const body = {
      name: 'Both',
      discountBasisPoints: 333,
      events: [one, two].map((eventId) => ({ eventId, category: 'A' })),
    };
    const made = await house.ask('POST', '/v1/organizer/bundles', house.organizer, body);
    // One after the other: signing up is made to be slow, and what comes too fast is refused.
    const buyers: Person[] = [];
    while (buyers.length < 16) buyers.push(await house.person());
    const ends = await Promise.all(
      buyers.map(async (by) => {
        const wish = { quantity: 1 };
        const path = `/v1/bundles/${made.body.packageId}/reserve`;
        const { status, body: held } = await house.ask('POST', path, by, wish);
        if (status !== 200) return held.code;
        const { bundleId } = held;
        await house.ask('POST', '/v1/bundles/checkout', by, { bundleId, ...card() });
        return (await house.ask('GET', `/v1/bundle-orders/${bundleId}?wait=15`, by)).body.status;
      }),
    );
    // Row 1 has ten seats of category A.
    expect(ends.filter((end) => end === 'confirmed')).toHaveLength(10);
    expect(ends.filter((end) => end === 'sold-out' || end === 'seats-unavailable')).toHaveLength(6);
    await shop.quiet();
    expect(await house.mistakes([one, two])).toEqual([]);
  }, 60_000);

  it('what its organizer does to it stands in the audit log, once', async () => {
    const own = await shop.offer({ fixedPrice: 9_000 });
    const path = `/v1/organizer/bundles/${own}`;
    const patch = { version: 1, fixedPrice: 8_000 };
    expect((await house.ask('PATCH', path, house.organizer, patch)).status).toBe(200);
    expect((await house.ask('PATCH', path, house.organizer, patch)).status).toBe(409);
    const { userId } = house.organizer;
    const acts = [
      ['package.created', userId],
      ['package.changed', userId],
    ];
    expect(await house.acts(own)).toEqual(acts);
    expect(await house.acts(own)).toEqual(acts);
    const { db } = database;
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(unrecorded).toEqual([]);
  });

  it('reconciliation finds nothing amiss', async () => {
    const asked = { olderThanMs: 0 };
    const { findings, checked } = await call(house.broker, 'payments.reconcile', asked);
    expect(checked).toBeGreaterThan(4);
    expect(findings).toEqual([]);
  }, 60_000);
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call } from '#broker/call.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { checkEvent } from '#ops/verify/event-checks.ts';
import { readRecords } from '#ops/verify/event-records.ts';
import { createAuditService } from '#services/audit.service.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'the box office', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let audit: ServiceBroker;
  let owner: Buyer & { readonly organizerId: string };
  let clerk: Buyer;

  const signup = async (more: object, email = `${randomUUID()}@example.org`) => {
    const body = { email, password: 'correct horse', name: 'Somebody', ...more };
    return (await cluster.ask('POST', '/v1/auth/signup', undefined, body)).body;
  };

  beforeAll(async () => {
    database = await testDatabase('box_office');
    cluster = await startBookings(database);
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    audit = await startBroker({ services: [createAuditService(runtime)] });
    const { user, accessToken } = await signup({ organizer: { name: 'The house' } });
    const { organizerId } = user.organizers[0];
    owner = { userId: user.userId, token: accessToken, organizerId };
    const email = `${randomUUID()}@example.org`;
    const { user: person } = await signup({}, email);
    const hired = { email, role: 'box-office' };
    const added = await cluster.ask('POST', '/v1/organizer/staff', owner, hired);
    expect([added.status, added.body.role]).toEqual([200, 'box-office']);
    const login = { email, password: 'correct horse' };
    const { body } = await cluster.ask('POST', '/v1/auth/login', undefined, login);
    clerk = { userId: person.userId, token: body.accessToken };
  }, 60_000);

  afterAll(async () => {
    await audit?.stop();
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const opened = async (): Promise<string> => {
    const eventId = await cluster.openEvent();
    const row = { _id: eventId, organizerId: owner.organizerId, title: 'A play' } as EventRow;
    await database.db.collection<EventRow>('events').insertOne(row);
    return eventId;
  };
  const sell = (eventId: string, body: object, by: Buyer = clerk, key?: string) =>
    cluster.ask('POST', `/v1/organizer/events/${eventId}/sales`, by, body, key);
  const agree = async (eventId: string): Promise<void> => {
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
    const records = await readRecords(database.db, eventId);
    const bounds = { now: Date.now(), overdueMs: 60_000 };
    expect(checkEvent(records, bounds)).toEqual([]);
    await call(audit, 'audit.append', {});
    const { db } = database;
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(unrecorded).toEqual([]);
  };
  const acts = async (bookingId: string): Promise<string[]> => {
    const { items } = await call(
      audit,
      'audit.list',
      { limit: 100 },
      { meta: { caller: { ...owner, roles: ['organizer'], organizerIds: [owner.organizerId] } } },
    );
    const own = items.filter(({ subject }) => subject === bookingId).reverse();
    return own.map(({ act, actor }) => `${act} by ${actor === clerk.userId ? 'clerk' : actor}`);
  };

  it('sells for cash, gives it back once, and counts the till', async () => {
    const eventId = await opened();
    const cash = { payment: { method: 'cash' } };
    const sold = await sell(eventId, { best: { quantity: 10 }, ...cash });
    expect([sold.status, sold.body.status]).toEqual([201, 'confirmed']);
    expect(sold.body.tickets).toHaveLength(10);
    expect(sold.body.payment).toEqual({ status: 'not_required', by: 'cash' });
    const [first] = sold.body.tickets;
    const path = `/v1/organizer/sales/${sold.body.bookingId}`;
    const some = { tickets: [first.ticketId] };
    const cancelled = await cluster.ask('POST', `${path}/cancel`, clerk, some);
    expect(cancelled.status).toBe(200);
    expect(cancelled.body.refunds).toMatchObject([{ no: 1, to: 'cash', status: 'pending' }]);
    for (let look = 0; look < 2; look++) {
      const paid = await cluster.ask('POST', `${path}/refunds/1/paid-out`, clerk);
      expect(paid.body.refunds).toMatchObject([{ status: 'succeeded' }]);
    }
    const { body: till } = await cluster.ask('GET', '/v1/organizer/till', clerk);
    expect(till.items).toMatchObject([
      { staffId: clerk.userId, taken: 50_000, paidOut: 5_000, balance: 45_000, sales: 1 },
    ]);
    await agree(eventId);
    expect(await acts(sold.body.bookingId)).toEqual([
      'booking.sold by clerk',
      'payment.cash-taken by clerk',
      'booking.cancelled by clerk',
      'payment.cash-returned by clerk',
    ]);
  }, 60_000);

  it('gives tickets for nothing, with a reason, and mails them', async () => {
    const eventId = await opened();
    const buyer = { name: 'Ada', email: `${randomUUID()}@example.org` };
    const payment = { method: 'complimentary', reason: 'press' };
    expect(
      (await sell(eventId, { seats: ['A-1'], payment: { method: 'complimentary' } })).status,
    ).toBe(422);
    const sold = await sell(eventId, { seats: ['A-1'], payment, buyer }, owner);
    expect(sold.body).toMatchObject({ status: 'confirmed', total: { amount: 0 } });
    const mails = database.db.collection<{ _id: string; state: string; to: { email?: string } }>(
      'messages',
    );
    for (let look = 0; look < 100; look++) {
      const sent = await mails.findOne({ 'to.email': buyer.email, state: 'sent' });
      if (sent !== null) break;
      await systemClock.sleep(50);
    }
    expect(await mails.findOne({ 'to.email': buyer.email })).toMatchObject({ state: 'sent' });
    const query = `staffId=${owner.userId}`;
    const { body: till } = await cluster.ask('GET', `/v1/organizer/till?${query}`, owner);
    expect(till.items).toMatchObject([
      { taken: 0, complimentary: { sales: 1, tickets: 1, faceValue: 5_000 } },
    ]);
    await agree(eventId);
  }, 60_000);

  it('sells once per key, and refuses seats that are gone', async () => {
    const eventId = await opened();
    const body = { seats: ['A-1', 'A-2'], payment: { method: 'cash' } };
    const key = randomUUID();
    const [one, two] = await Promise.all([
      sell(eventId, body, clerk, key),
      sell(eventId, body, clerk, key),
    ]);
    expect(one.body.bookingId).toBe(two.body.bookingId);
    expect((await sell(eventId, body)).body.code).toBe('seats-unavailable');
    expect(await database.db.collection('tickets').countDocuments({ eventId })).toBe(2);
    await agree(eventId);
  }, 60_000);

  const cash = { payment: { method: 'cash' } };
  const quote = (eventId: string, body: object, by: Buyer = clerk) =>
    cluster.ask('POST', `/v1/organizer/events/${eventId}/sales/quote`, by, body);
  const promoCode = async (fields: object = {}) => {
    const code = `c-${randomUUID().slice(0, 8)}`;
    const body = { code, off: { by: 'percent', basisPoints: 1_000 }, ...fields };
    const made = await cluster.ask('POST', '/v1/organizer/promo-codes', owner, body);
    expect(made.status).toBe(201);
    return made.body as { promoId: string; code: string };
  };
  const used = async (promoId: string): Promise<number> =>
    (await cluster.ask('GET', `/v1/organizer/promo-codes/${promoId}`, owner)).body.used;
  const voucher = async (amount: number): Promise<string> => {
    const body = { amount, currency: 'EUR' };
    return (await cluster.ask('POST', '/v1/organizer/vouchers', owner, body)).body.vouchers[0].code;
  };
  const balance = async (code: string): Promise<number> =>
    (await cluster.ask('POST', '/v1/vouchers/balance', clerk, { code })).body.balance.amount;
  const codeOf = ({ status, body }: { status: number; body: { code?: string } }) =>
    `${status} ${body.code}`;

  it('takes the buyer’s promo code and voucher, the rest in cash, and gives all of it back', async () => {
    const eventId = await opened();
    const till = async () => {
      const { body } = await cluster.ask('GET', '/v1/organizer/till', clerk);
      const [{ taken, paidOut, vouchers }] = body.items;
      return { taken, paidOut, vouchers: vouchers.amount };
    };
    const before = await till();
    const { promoId, code } = await promoCode({ redemptionsMax: 1 });
    const gift = await voucher(3_000);
    const codes = { promoCode: code.toUpperCase(), voucher: gift };
    const seen = await quote(eventId, { best: { quantity: 2 }, ...codes });
    expect(seen.status).toBe(200);
    expect(seen.body).toMatchObject({
      price: { discount: { code, amount: { amount: 1_000 } }, total: { amount: 9_000 } },
      voucher: { amount: 3_000 },
      toPay: { amount: 6_000 },
    });
    expect([await used(promoId), await balance(gift)]).toEqual([0, 3_000]);
    const seats = seen.body.seats.map(({ id }: { id: string }) => id);
    const sold = await sell(eventId, { seats, ...cash, ...codes });
    expect([sold.status, sold.body.status]).toEqual([201, 'confirmed']);
    expect(sold.body).toMatchObject({
      total: { amount: 9_000 },
      discount: { code, amount: { amount: 1_000 } },
      voucher: { amount: 3_000 },
      payment: { status: 'not_required', by: 'cash' },
    });
    expect([await used(promoId), await balance(gift)]).toEqual([1, 0]);
    const { bookingId } = sold.body;
    expect(codeOf(await sell(eventId, { best: { quantity: 1 }, ...cash, ...codes }))).toBe(
      '409 promo-code-used-up',
    );
    const path = `/v1/organizer/sales/${bookingId}`;
    const cancelled = await cluster.ask('POST', `${path}/cancel`, clerk, {});
    expect(cancelled.body.refunds).toMatchObject([
      { no: 1, to: 'cash', status: 'pending', amount: { amount: 6_000 } },
      { no: 2, to: 'voucher', amount: { amount: 3_000 } },
    ]);
    const paid = await cluster.ask('POST', `${path}/refunds/1/paid-out`, clerk);
    expect(paid.body.refunds[0]).toMatchObject({ status: 'succeeded' });
    for (let look = 0; look < 100 && (await balance(gift)) === 0; look++) {
      await systemClock.sleep(50);
    }
    expect(await balance(gift)).toBe(3_000);
    expect(await till()).toEqual({
      taken: before.taken + 6_000,
      paidOut: before.paidOut + 6_000,
      vouchers: before.vouchers + 3_000,
    });
    await agree(eventId);
    expect((await acts(bookingId)).sort()).toEqual([
      'booking.cancelled by clerk',
      'booking.sold by clerk',
      'payment.cash-returned by clerk',
      'payment.cash-taken by clerk',
      'voucher.refunded by system',
      'voucher.spent by clerk',
    ]);
  }, 60_000);

  it('holds buyers to a limit of one use by their address, with an account or without', async () => {
    const eventId = await opened();
    const { promoId, code: promoCodeText } = await promoCode({ perBuyerMax: 1 });
    const own = { best: { quantity: 1 }, ...cash, promoCode: promoCodeText };
    const by = (email: string) => ({ ...own, buyer: { name: 'Ada', email } });
    expect(codeOf(await sell(eventId, own))).toBe('422 promo-code-not-applicable');
    const email = `${randomUUID()}@example.org`;
    expect((await sell(eventId, by(email))).status).toBe(201);
    expect(codeOf(await sell(eventId, by(email.toUpperCase())))).toBe('409 promo-code-used-up');
    const member = `${randomUUID()}@example.org`;
    const { user, accessToken: token } = await signup({}, member);
    const buyer = { userId: user.userId, token };
    const { holdId: reservationId } = await cluster.hold(eventId, buyer, ['B-1']);
    const payment = { method: 'card', token: 'pm_card_visa' };
    const asked = { reservationId, payment, promoCode: promoCodeText };
    const { body } = await cluster.ask('POST', '/v1/checkout', buyer, asked);
    await cluster.until(body.bookingId, buyer, ({ status }) => status === 'confirmed');
    expect(codeOf(await sell(eventId, by(member)))).toBe('409 promo-code-used-up');
    expect(await used(promoId)).toBe(2);
    await agree(eventId);
  }, 60_000);

  it('lets places go whose codes are refused, and sells the last use once', async () => {
    const eventId = await opened();
    const { code } = await promoCode({ redemptionsMax: 1 });
    const one = { seats: ['A-1'], ...cash };
    for (const wrong of [{ promoCode: 'no-such' }, { voucher: 'no-such' }]) {
      const unknown = expect.stringMatching(/^422 (promo-code|voucher)-unknown$/);
      expect(codeOf(await quote(eventId, { seats: ['A-1'], ...wrong }))).toEqual(unknown);
      expect(codeOf(await sell(eventId, { ...one, ...wrong }))).toEqual(unknown);
    }
    const gift = { ...one, payment: { method: 'complimentary', reason: 'press' } };
    expect(codeOf(await sell(eventId, { ...gift, promoCode: code }))).toBe('422 invalid-request');
    const answers = await Promise.all(
      ['A-1', 'A-2', 'A-3', 'A-4'].map((seat) =>
        sell(eventId, { seats: [seat], ...cash, promoCode: code }),
      ),
    );
    const lost = Array.from({ length: 3 }, () => '409 promo-code-used-up');
    const all = answers.map((a) => (a.status < 300 ? 'sold' : codeOf(a)));
    expect(all.sort()).toEqual([...lost, 'sold']);
    // The places of the others are free at once.
    const rest = ['A-1', 'A-2', 'A-3', 'A-4'].filter((_, i) => (answers[i]?.status ?? 0) >= 300);
    expect((await sell(eventId, { seats: rest, ...cash })).status).toBe(201);
    const stranger = await cluster.buyer();
    expect((await quote(eventId, { seats: ['B-1'] }, stranger)).status).toBe(403);
    await agree(eventId);
  }, 60_000);

  it('serves its own people only', async () => {
    const eventId = await opened();
    const body = { seats: ['A-1'], payment: { method: 'cash' } };
    const stranger = await cluster.buyer();
    expect((await sell(eventId, body, stranger)).status).toBe(403);
    const { user, accessToken: token } = await signup({ organizer: { name: 'Others' } });
    const other = { userId: user.userId, token };
    expect((await sell(eventId, body, other)).status).toBe(404);
    const { body: sold } = await sell(eventId, body);
    const path = `/v1/organizer/sales/${sold.bookingId}`;
    expect((await cluster.ask('GET', path, other)).status).toBe(404);
    expect((await cluster.ask('GET', path, owner)).body.status).toBe('confirmed');
    expect((await cluster.ask('GET', '/v1/organizer/staff', clerk)).status).toBe(403);
    const removed = await cluster.ask('DELETE', `/v1/organizer/staff/${user.userId}`, owner);
    expect(removed.status).toBe(204);
  }, 60_000);
});

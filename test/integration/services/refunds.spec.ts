import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { call } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import { type House, type Person, startHouse } from '#test/integration/services/house-kit.ts';
import { inDays } from '#test/support/catalogue.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const fees = [{ name: 'Service', perTicket: 200, basisPoints: 0 }];
const refundRules = {
  tiers: [
    { untilHoursBefore: 24 * 60, basisPoints: 10_000 },
    { untilHoursBefore: 24, basisPoints: 5_000 },
  ],
  feePerTicket: 100,
  returnServiceFees: false,
};

describeWith(['mongod'], 'refunds', () => {
  let database: TestDatabase;
  let house: House;
  let ada: Person;
  let support: Person;

  beforeAll(async () => {
    database = await testDatabase('refunds');
    house = await startHouse(database);
    [ada, support] = await Promise.all([house.person(), house.support()]);
  }, 60_000);

  afterAll(async () => {
    await house?.stop();
    await database?.drop();
  }, 60_000);

  const euro = (amount: number) => ({ amount, currency: 'EUR' });
  const sound = async (eventId: string): Promise<void> => {
    const { db } = database;
    expect((await checkBooks(db)).mistakes).toEqual([]);
    const { findings } = await verifyEvent(db, eventId, { settled: true });
    expect(findings).toEqual([]);
    await call(house.broker, 'audit.append', {});
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(unrecorded).toEqual([]);
  };
  const cancel = (bookingId: string, body: object, who = ada, key?: string) =>
    house.ask('POST', `/v1/bookings/${bookingId}/cancel`, who, body, key);
  const idsOf = ({ tickets }: BookingView) => tickets.map(({ ticketId }) => ticketId);
  const payoutOf = async (eventId: string) => {
    const { body } = await house.ask('GET', '/v1/organizer/reports/payouts', house.organizer);
    return body.items.find((item: { eventId: string }) => item.eventId === eventId);
  };

  it('follow the rules that held at checkout; what is kept is the organizer’s', async () => {
    const eventId = await house.event({ fees, refundRules });
    const { body: shown } = await house.ask('GET', `/v1/events/${eventId}`);
    expect(shown.refundRules).toEqual(refundRules);
    const seats = ['Stalls-1-1', 'Stalls-1-2'];
    const booking = await house.buy(eventId, seats, ada);
    expect(booking).toMatchObject({ status: 'confirmed', total: euro(10_400), refundRules });
    const mine = `/v1/organizer/events/${eventId}`;
    const { body: now } = await house.ask('GET', mine, house.organizer);
    const stricter = { version: now.version, refundRules: { ...refundRules, tiers: [] } };
    const patched = await house.ask('PATCH', mine, house.organizer, stricter);
    expect(patched.body.refundRules.tiers).toEqual([]);
    const [first = ''] = idsOf(booking);
    const path = `/v1/bookings/${booking.bookingId}/cancellation`;
    const { body: preview } = await house.ask('GET', `${path}?tickets=${first}`, ada);
    expect(preview).toMatchObject({
      refund: euro(2_400),
      kept: euro(2_800),
      tickets: [{ ticketId: first, paid: euro(5_200), returned: euro(2_400), kept: euro(2_800) }],
      basisPoints: 5_000,
      feePerTicket: euro(100),
      reason: 'tier',
      rules: refundRules,
    });
    expect((await house.ask('GET', path, ada)).body.refund).toEqual(euro(4_800));
    const key = randomUUID();
    const answer = await cancel(booking.bookingId, { tickets: [first] }, ada, key);
    expect(answer.body).toMatchObject({
      status: 'partially_refunded',
      refund: { amount: euro(2_400) },
      kept: euro(2_800),
    });
    const again = await cancel(booking.bookingId, { tickets: [first] }, ada, key);
    expect(again.body).toEqual(answer.body);
    await house.ended(booking.bookingId, 'partially_refunded', ada);
    expect(await payoutOf(eventId)).toMatchObject({
      gross: 10_400,
      refunds: 2_400,
      fees: 400,
      net: 7_600,
      captured: 10_400,
      returned: 2_400,
    });
    await cancel(booking.bookingId, {});
    await house.ended(booking.bookingId, 'refunded', ada);
    expect(await payoutOf(eventId)).toMatchObject({ refunds: 4_800, net: 5_200, fees: 400 });
    await sound(eventId);
  }, 60_000);

  it('are refused a preview where there is nothing to give back, or to anybody else', async () => {
    const eventId = await house.event();
    const booking = await house.buy(eventId, ['Stalls-1-1'], ada);
    const path = `/v1/bookings/${booking.bookingId}/cancellation`;
    const bob = await house.person();
    expect((await house.ask('GET', path, bob)).body.code).toBe('not-found');
    const [ticket = ''] = idsOf(booking);
    const other = `${ticket.slice(0, -1)}${ticket.endsWith('0') ? '1' : '0'}`;
    const wrong = await house.ask('GET', `${path}?tickets=${other}`, ada);
    expect(wrong.body.code).toBe('not-cancellable');
    expect((await house.ask('GET', `${path}?tickets=nonsense`, ada)).status).toBe(422);
    await cancel(booking.bookingId, {});
    expect((await house.ask('GET', path, ada)).body.code).toBe('not-cancellable');
  }, 60_000);

  it('of goodwill leave the tickets valid and are taken off what they return later', async () => {
    const eventId = await house.event();
    const booking = await house.buy(eventId, ['Stalls-1-3', 'Stalls-1-4'], ada);
    const path = `/v1/support/bookings/${booking.bookingId}/refunds`;
    const wish = { amount: euro(1_500), reason: 'The heating had failed', bornBy: 'platform' };
    expect((await house.ask('POST', path, ada, wish)).body.code).toBe('not-found');
    expect((await house.ask('POST', path, house.organizer, wish)).body.code).toBe('forbidden');
    const tooMuch = { ...wish, amount: euro(10_001) };
    expect((await house.ask('POST', path, support, tooMuch)).body.code).toBe('state-forbids');
    const yen = { ...wish, amount: { amount: 1, currency: 'JPY' } };
    expect((await house.ask('POST', path, support, yen)).status).toBe(422);
    const key = randomUUID();
    const given = await house.ask('POST', path, support, wish, key);
    expect([given.status, given.body.status]).toEqual([201, 'partially_refunded']);
    expect((await house.ask('POST', path, support, wish, key)).body).toEqual(given.body);
    const own = { amount: euro(500), reason: 'A late start' };
    expect((await house.ask('POST', path, house.organizer, own)).status).toBe(201);
    const after = await house.ended(booking.bookingId, 'partially_refunded', ada);
    expect(after.tickets.map((t) => t.status)).toEqual(['valid', 'valid']);
    expect(after.refunds.map((r) => r.amount.amount)).toEqual([1_500, 500]);
    const net = { refunds: 2_000, net: 9_500, fees: -1_500 };
    expect(await payoutOf(eventId)).toMatchObject(net);
    await cancel(booking.bookingId, {});
    const whole = await house.ended(booking.bookingId, 'refunded', ada);
    expect(whole.refunds.map((r) => r.amount.amount)).toEqual([1_500, 500, 8_000]);
    expect(await payoutOf(eventId)).toMatchObject({ refunds: 10_000, net: 0, fees: 0 });
    await sound(eventId);
    expect((await house.acts(booking.bookingId)).slice(2)).toEqual([
      ['booking.goodwill', support.userId],
      ['payment.refunded', 'system'],
      ['booking.goodwill', house.organizer.userId],
      ['payment.refunded', 'system'],
      ['booking.cancelled', ada.userId],
      ['payment.refunded', 'system'],
    ]);
  }, 60_000);

  it('by support may set the rules aside; the log says who and why', async () => {
    const eventId = await house.event({ refundRules: { ...refundRules, tiers: [] } });
    const booking = await house.buy(eventId, ['Stalls-1-1', 'Stalls-1-2'], ada);
    const path = `/v1/support/bookings/${booking.bookingId}/cancel`;
    const tickets = idsOf(booking).slice(0, 1);
    const plain = await house.ask('POST', path, support, { tickets, reason: 'Asked by phone' });
    expect(plain.body).toMatchObject({ refund: { status: 'none' }, kept: euro(5_000) });
    const waived = { waiveRules: true, reason: 'Illness' };
    const rest = await house.ask('POST', path, house.organizer, waived);
    expect(rest.body).toMatchObject({ status: 'cancelled', refund: { amount: euro(5_000) } });
    const end = await house.ended(booking.bookingId, 'refunded', ada);
    expect(end.reason).toBe('cancelled-by-support');
    await sound(eventId);
    expect((await house.acts(booking.bookingId)).slice(2)).toEqual([
      ['booking.cancelled', support.userId],
      ['booking.cancelled', house.organizer.userId],
      ['payment.refunded', 'system'],
    ]);
  }, 60_000);

  it('go to every buyer of a cancelled event, whatever the rules, with progress to see', async () => {
    const eventId = await house.event({ refundRules: { ...refundRules, tiers: [] } });
    const seats = ['Stalls-1-1', 'Stalls-1-2', 'Stalls-1-3', 'Stalls-1-4'];
    const bookings: BookingView[] = [];
    for (const seat of seats) bookings.push(await house.buy(eventId, [seat], await house.person()));
    const waiting = await house.buy(eventId, ['Stalls-1-5'], ada, 'pm_card_threeDSecure2Required');
    expect(waiting.status).toBe('requires_action');
    const path = `/v1/organizer/events/${eventId}`;
    const before = await house.ask('GET', `${path}/cancellation`, house.organizer);
    expect(before.body.code).toBe('not-found');
    const done = await house.ask('POST', `${path}/cancel`, house.organizer);
    expect([done.status, done.body.status]).toEqual([200, 'cancelled']);
    const progress = async () =>
      (await house.ask('GET', `${path}/cancellation`, house.organizer)).body;
    for (let look = 0; look < 200 && (await progress()).state !== 'done'; look++) {
      await systemClock.sleep(100);
    }
    expect(await progress()).toMatchObject({
      state: 'done',
      total: 5,
      done: 5,
      failed: 0,
      disputed: 0,
      refunded: euro(20_000),
      pending: euro(0),
    });
    expect((await house.ask('GET', `${path}/cancellation`, support)).status).toBe(403);
    const stranger = await house.person({ organizer: { name: 'Another' } });
    expect((await house.ask('GET', `${path}/cancellation`, stranger)).status).toBe(404);
    for (const { bookingId } of bookings) {
      expect(await house.told(bookingId)).toEqual([
        'booking-confirmed',
        'event-cancelled',
        'booking-refunded',
      ]);
    }
    expect(await house.told(waiting.bookingId)).toEqual(['event-cancelled']);
    const { body: ended } = await house.ask('GET', `/v1/bookings/${waiting.bookingId}`, ada);
    expect(ended).toMatchObject({ status: 'cancelled', reason: 'event-cancelled' });
    await sound(eventId);
  }, 90_000);

  it('in full are promised to buyers of an event that is put off', async () => {
    const sale = { closesAt: inDays(30) };
    const eventId = await house.event({ refundRules: { ...refundRules, tiers: [] }, sale });
    const booking = await house.buy(eventId, ['Stalls-1-1', 'Stalls-1-2'], ada);
    const path = `/v1/organizer/events/${eventId}`;
    const remind = (days: number) =>
      call(house.broker, 'bookings.reminders', { withinMs: days * 24 * 3_600_000 });
    await remind(31);
    const date = { startsAt: inDays(60), endsAt: inDays(60.1), refundUntil: inDays(40) };
    const wrong = { ...date, refundUntil: inDays(61) };
    expect((await house.ask('POST', `${path}/postpone`, house.organizer, wrong)).status).toBe(422);
    const put = await house.ask('POST', `${path}/postpone`, house.organizer, date);
    expect([put.status, put.body.startsAt]).toEqual([200, date.startsAt]);
    expect(put.body.postponed).toMatchObject({ refundUntil: date.refundUntil });
    const version = put.body.version;
    expect((await house.ask('POST', `${path}/postpone`, house.organizer, date)).body.version).toBe(
      version,
    );
    const moved = { version, startsAt: inDays(70), endsAt: inDays(71) };
    expect((await house.ask('PATCH', path, house.organizer, moved)).body.code).toBe(
      'state-forbids',
    );
    expect(Date.parse(put.body.sale.closesAt)).toBeGreaterThan(Date.parse(inDays(59)));
    const bookings = database.db.collection<{
      _id: string;
      event: { startsAt: number };
      postponed?: object;
    }>('bookings');
    for (let look = 0; look < 100; look++) {
      const found = await bookings.findOne({ _id: booking.bookingId });
      if (found?.postponed !== undefined) break;
      await systemClock.sleep(100);
    }
    const found = await bookings.findOne({ _id: booking.bookingId });
    expect(found?.event.startsAt).toBe(Date.parse(date.startsAt));
    await remind(31);
    await remind(61);
    await remind(61);
    expect(await house.told(booking.bookingId)).toEqual([
      'booking-confirmed',
      'booking-reminder',
      'event-postponed',
      'booking-reminder',
    ]);
    const preview = `/v1/bookings/${booking.bookingId}/cancellation`;
    expect((await house.ask('GET', preview, ada)).body).toMatchObject({
      reason: 'postponed',
      until: date.refundUntil,
      refund: euro(10_000),
      kept: euro(0),
    });
    await cancel(booking.bookingId, {});
    await house.ended(booking.bookingId, 'refunded', ada);
    await sound(eventId);
  }, 60_000);

  it('by the bank void the tickets; while it is undecided they are frozen', async () => {
    const eventId = await house.event();
    const booking = await house.buy(eventId, ['Stalls-1-1', 'Stalls-1-2'], ada);
    const { bookingId } = booking;
    const tell = (state: 'open' | 'won' | 'lost', disputeId = 'dp_1') =>
      call(house.broker, 'bookings.disputed', { bookingId, disputeId, state });
    expect(await tell('open')).toEqual({ known: true });
    const read = async (): Promise<BookingView> =>
      (await house.ask('GET', `/v1/bookings/${bookingId}`, ada)).body;
    expect((await read()).tickets.map((t) => t.status)).toEqual(['frozen', 'frozen']);
    expect((await cancel(bookingId, {})).body.code).toBe('not-cancellable');
    await tell('won');
    expect((await read()).tickets.map((t) => t.status)).toEqual(['valid', 'valid']);
    await tell('lost', 'dp_2');
    const end = await house.ended(bookingId, 'cancelled', ada);
    expect(end).toMatchObject({ reason: 'dispute-lost' });
    expect(end.tickets.map((t) => t.status)).toEqual(['cancelled', 'cancelled']);
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
    const { figures, findings } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
    expect(figures).toMatchObject({ sold: 0 });
    expect(await payoutOf(eventId)).toMatchObject({ net: 0, captured: 10_000, returned: 10_000 });
    const unknown = bookingId.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const none = { bookingId: unknown, disputeId: 'dp_3', state: 'open' } as const;
    expect(await call(house.broker, 'bookings.disputed', none)).toEqual({ known: false });
  }, 60_000);
});

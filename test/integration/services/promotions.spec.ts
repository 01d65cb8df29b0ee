import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call, type ParamsOf } from '#broker/call.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import type { Caller } from '#contracts/common.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import { createAuditService } from '#services/audit.service.ts';
import {
  type BookingCluster,
  type Buyer,
  startBookings,
} from '#test/integration/services/bookings-kit.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, newCaller } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const card = (token = 'pm_card_visa') => ({ method: 'card', token });
const percent = (basisPoints: number) => ({ by: 'percent', basisPoints }) as const;

describeWith(['mongod', 'nats-server'], 'promo codes and gift vouchers', () => {
  let database: TestDatabase;
  let cluster: BookingCluster;
  let organizer: Caller;
  let ada: Buyer;
  let bob: Buyer;

  beforeAll(async () => {
    database = await testDatabase('promotions');
    cluster = await startBookings(database);
    organizer = newCaller();
    [ada, bob] = await Promise.all([cluster.buyer(), cluster.buyer()]);
  }, 60_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  const core = () => {
    const [broker] = cluster.cores;
    if (broker === undefined) throw new Error('no core node');
    return broker;
  };
  const opened = async (whose = organizer): Promise<string> => {
    const eventId = await cluster.openEvent();
    const row = { _id: eventId, organizerId: whose.organizerIds[0], title: 'A play' };
    await database.db.collection<EventRow>('events').insertOne(row as EventRow);
    return eventId;
  };
  const held = async (eventId: string, seats: readonly string[], buyer = ada) =>
    (await cluster.hold(eventId, buyer, seats)).holdId;
  const promoCode = (fields: Partial<ParamsOf<'promotions.createPromo'>> = {}) => {
    const code = `c-${randomUUID().slice(0, 8)}`;
    const params = { code, off: percent(1_000), ...fields };
    return call(core(), 'promotions.createPromo', params, as(organizer));
  };
  const voucher = async (amount: number): Promise<{ voucherId: string; code: string }> => {
    const params = { amount, currency: 'EUR' };
    const issued = await call(core(), 'promotions.issueVouchers', params, as(organizer));
    const { voucherId = '', code = '' } = issued.vouchers[0] ?? {};
    return { voucherId, code };
  };
  const balance = async (code: string): Promise<number> =>
    (await cluster.ask('POST', '/v1/vouchers/balance', ada, { code })).body.balance.amount;
  const used = async (promoId: string): Promise<number> =>
    (await call(core(), 'promotions.promo', { promoId }, as(organizer))).used;
  const checkout = (reservationId: string, body: object, buyer = ada, key?: string) =>
    cluster.ask('POST', '/v1/checkout', buyer, { reservationId, ...body }, key);
  const read = async (bookingId: string, buyer = ada): Promise<BookingView> =>
    (await cluster.ask('GET', `/v1/bookings/${bookingId}?wait=10`, buyer)).body;
  const bought = async (reservationId: string, body: object, buyer = ada): Promise<BookingView> => {
    const started = await checkout(reservationId, body, buyer);
    expect([started.status, started.body.code]).toEqual([202, undefined]);
    return read(started.body.bookingId, buyer);
  };
  const ended = (bookingId: string, status: string): Promise<BookingView> =>
    cluster.until(bookingId, ada, (view) => view.status === status);
  const agrees = async (eventId: string): Promise<void> => {
    const { findings } = await verifyEvent(database.db, eventId, { settled: true });
    expect(findings).toEqual([]);
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
  };

  it('a code takes its part off, and the tickets are worth what was paid', async () => {
    const eventId = await opened();
    const { code, promoId } = await promoCode();
    const reservationId = await held(eventId, ['A-1', 'A-2']);
    const path = `/v1/reservations/${reservationId}/quote`;
    const preview = await cluster.ask('POST', path, ada, { promoCode: code.toUpperCase() });
    expect(preview.body).toMatchObject({
      price: { discount: { code, amount: { amount: 1_000 } }, total: { amount: 9_000 } },
      toPay: { amount: 9_000, currency: 'EUR' },
    });
    expect(await used(promoId)).toBe(0);
    const body = { payment: card(), promoCode: ` ${code.toUpperCase()} ` };
    expect(await bought(reservationId, body)).toMatchObject({
      status: 'confirmed',
      total: { amount: 9_000 },
      discount: { code, amount: { amount: 1_000, currency: 'EUR' } },
    });
    expect(await used(promoId)).toBe(1);
    const tickets = await database.db.collection('tickets').find({ eventId }).toArray();
    expect(tickets.map((t) => t.paid)).toEqual([4_500, 4_500]);
    await agrees(eventId);
  });

  it('a code for the whole price needs no card', async () => {
    const eventId = await opened();
    const { code } = await promoCode({ off: percent(10_000) });
    const reservationId = await held(eventId, ['A-1']);
    expect((await checkout(reservationId, {})).body.code).toBe('invalid-request');
    const view = await bought(reservationId, { promoCode: code });
    expect(view).toMatchObject({ status: 'confirmed', payment: { status: 'not_required' } });
    await agrees(eventId);
  });

  it('a code that cannot be used is refused by name, and nothing is begun', async () => {
    const eventId = await opened();
    const past = new Date(Date.now() - 1_000).toISOString();
    const [over, other, many, off] = await Promise.all([
      promoCode({ validTo: past }),
      promoCode({ categories: ['B'] }),
      promoCode({ ticketsMin: 3 }),
      promoCode(),
    ]);
    await call(core(), 'promotions.disablePromo', { promoId: off.promoId }, as(organizer));
    const reservationId = await held(eventId, ['A-1', 'A-2']);
    const answer = async (promo: string) => {
      const { status, body } = await checkout(reservationId, { payment: card(), promoCode: promo });
      return [status, body.code];
    };
    expect(await answer('nobody-knows')).toEqual([422, 'promo-code-unknown']);
    expect(await answer(over.code)).toEqual([422, 'promo-code-inactive']);
    expect(await answer(off.code)).toEqual([422, 'promo-code-inactive']);
    expect(await answer(other.code)).toEqual([422, 'promo-code-not-applicable']);
    expect(await answer(many.code)).toEqual([422, 'promo-code-not-applicable']);
    const theirs = await held(await opened(newCaller()), ['A-1']);
    const foreign = await checkout(theirs, { payment: card(), promoCode: other.code });
    expect(foreign.body.code).toBe('promo-code-unknown');
    expect(await database.db.collection('bookings').countDocuments({ eventId })).toBe(0);
  });

  it('of buyers who race for the last uses each that is left is had once', async () => {
    const eventId = await opened();
    const { code, promoId } = await promoCode({ redemptionsMax: 3 });
    const holds = await Promise.all(
      [ada, ada, bob, bob].map((buyer, i) => held(eventId, [`A-${i + 1}`], buyer)),
    );
    const more = await Promise.all([3, 4, 5, 6].map(() => cluster.buyer()));
    holds.push(...(await Promise.all(more.map((b, i) => held(eventId, [`B-${i + 1}`], b)))));
    const buyers = [ada, ada, bob, bob, ...more];
    const body = { payment: card(), promoCode: code };
    const answers = await Promise.all(
      holds.map((reservationId, i) => checkout(reservationId, body, buyers[i])),
    );
    expect(answers.filter((a) => a.status === 202)).toHaveLength(3);
    for (const { status, body: refused } of answers.filter((a) => a.status !== 202)) {
      expect([status, refused.code, refused.limit]).toEqual([409, 'promo-code-used-up', 'total']);
    }
    expect(await used(promoId)).toBe(3);
  });

  it('one buyer may use it as often as it says, and what ends unsold is given back', async () => {
    const eventId = await opened();
    const { code, promoId } = await promoCode({ perBuyerMax: 1 });
    const body = { payment: card('pm_card_visa_chargeDeclined'), promoCode: code };
    const first = await held(eventId, ['A-1']);
    const { bookingId, status } = await bought(first, body);
    expect([status, await used(promoId)]).toEqual(['declined', 1]);
    const second = await held(eventId, ['A-2']);
    const refused = await checkout(second, { payment: card(), promoCode: code });
    expect([refused.status, refused.body.limit]).toEqual([409, 'buyer']);
    const other = await checkout(await held(eventId, ['A-3'], bob), body, bob);
    expect(other.status).toBe(202);
    await cluster.ask('POST', `/v1/bookings/${bookingId}/cancel`, ada, {});
    await ended(bookingId, 'cancelled');
    expect(await used(promoId)).toBe(1);
    expect(await bought(second, { payment: card(), promoCode: code })).toMatchObject({
      status: 'confirmed',
      total: { amount: 4_500 },
    });
  });

  it('another attempt keeps the price of the first, and takes no other code', async () => {
    const eventId = await opened();
    const { code, promoId } = await promoCode();
    const reservationId = await held(eventId, ['A-1']);
    const declined = { payment: card('pm_card_visa_chargeDeclined'), promoCode: code };
    expect((await bought(reservationId, declined)).status).toBe('declined');
    const { code: second } = await promoCode({ off: percent(9_000) });
    const changed = await checkout(reservationId, { payment: card(), promoCode: second });
    expect([changed.status, changed.body.errors?.[0].path]).toEqual([422, 'promoCode']);
    const view = await bought(reservationId, { payment: card() });
    expect(view).toMatchObject({ status: 'confirmed', total: { amount: 4_500 } });
    expect(await used(promoId)).toBe(1);
  });

  it('a voucher pays its part, the card the rest, and a refund gives both back', async () => {
    const eventId = await opened();
    const { code } = await voucher(3_000);
    expect(await balance(code.toLowerCase())).toBe(3_000);
    const reservationId = await held(eventId, ['A-1']);
    const path = `/v1/reservations/${reservationId}/quote`;
    const { body: preview } = await cluster.ask('POST', path, ada, { voucher: code });
    expect([preview.voucher.amount, preview.toPay.amount]).toEqual([3_000, 2_000]);
    const view = await bought(reservationId, { payment: card(), voucher: code });
    expect(view).toMatchObject({ status: 'confirmed', voucher: { amount: 3_000 } });
    expect(await balance(code)).toBe(0);
    await agrees(eventId);
    const spent = await checkout(await held(eventId, ['A-2']), { payment: card(), voucher: code });
    expect([spent.status, spent.body.code]).toEqual([409, 'voucher-used-up']);
    const { body } = await cluster.ask('POST', `/v1/bookings/${view.bookingId}/cancel`, ada, {});
    expect(body.refund.amount.amount).toBe(5_000);
    const back = await ended(view.bookingId, 'refunded');
    expect(back.refunds.map((r) => r.amount.amount)).toEqual([2_000, 3_000]);
    expect(await balance(code)).toBe(3_000);
    await agrees(eventId);
  });

  it('a voucher that is worth more keeps the rest, and needs no card', async () => {
    const eventId = await opened();
    const { code } = await voucher(12_000);
    const view = await bought(await held(eventId, ['A-1']), { voucher: code });
    expect(view).toMatchObject({ status: 'confirmed', payment: { status: 'not_required' } });
    expect(await balance(code)).toBe(7_000);
    await agrees(eventId);
  });

  it('a voucher is set aside once by bookings that race, and free again without a sale', async () => {
    const eventId = await opened();
    const { code } = await voucher(5_000);
    const holds = await Promise.all([held(eventId, ['A-1']), held(eventId, ['A-2'], bob)]);
    const [one, two] = await Promise.all([
      checkout(holds[0] ?? '', { voucher: code, payment: card() }),
      checkout(holds[1] ?? '', { voucher: code, payment: card() }, bob),
    ]);
    expect([one?.status, two?.status].sort()).toEqual([202, 409]);
    const third = await voucher(2_000);
    const body = { voucher: third.code, payment: card('pm_card_usher_captureDeclined') };
    const undone = await bought(await held(eventId, ['A-3']), body);
    expect(undone).toMatchObject({ status: 'cancelled', reason: 'capture-failed' });
    expect(await balance(third.code)).toBe(2_000);
    expect(await balance(code)).toBe(0);
  });

  it('a balance or a count that its bookings do not make is found', async () => {
    const vouchers = database.db.collection<{ _id: string }>('vouchers');
    const promos = database.db.collection<{ _id: string }>('promo_codes');
    const { voucherId } = await voucher(700);
    const { promoId } = await promoCode();
    expect((await checkBooks(database.db)).mistakes).toEqual([]);
    await vouchers.updateOne({ _id: voucherId }, { $inc: { balance: 50 } } as object);
    await promos.updateOne({ _id: promoId }, { $inc: { used: 2 } } as object);
    expect((await checkBooks(database.db)).mistakes).toEqual([
      { about: voucherId, problem: 'has 750 left, 700 by its bookings' },
      { about: promoId, problem: 'is counted 2 times, 0 by its bookings' },
    ]);
    await vouchers.updateOne({ _id: voucherId }, { $inc: { balance: -50 } } as object);
    await promos.updateOne({ _id: promoId }, { $inc: { used: -2 } } as object);
  });

  it('codes of vouchers are told once and stored nowhere', async () => {
    const meta = { ...as(organizer).meta, idempotencyKey: randomUUID() };
    const params = { amount: 500, currency: 'EUR', count: 3 };
    const issue = () => call(core(), 'promotions.issueVouchers', params, { meta: { ...meta } });
    const { vouchers } = await issue();
    const codes = vouchers.map(({ code }) => code ?? '');
    expect(new Set(codes.filter((code) => code !== '')).size).toBe(3);
    const again = await issue();
    expect(again.vouchers.map((v) => [v.voucherId, v.code])).toEqual(
      vouchers.map((v) => [v.voucherId, undefined]),
    );
    for (const { name } of await database.db.listCollections().toArray()) {
      const text = JSON.stringify(await database.db.collection(name).find().toArray());
      expect([name, codes.some((code) => text.includes(code))]).toEqual([name, false]);
    }
    expect(await balance(codes[2] ?? '')).toBe(500);
  });

  it('what organizers do to them stands in the audit log, once', async () => {
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const broker = await startBroker({ services: [createAuditService(runtime)] });
    const { promoId, version } = await promoCode({ perBuyerMax: 2 });
    const patch = { promoId, version, off: percent(700) };
    await call(core(), 'promotions.patchPromo', patch, as(organizer));
    const twice = [1, 2].map(() => ({ promoId }));
    await Promise.all(twice.map((p) => call(core(), 'promotions.disablePromo', p, as(organizer))));
    const { voucherId } = await voucher(300);
    const off = () => call(core(), 'promotions.disableVoucher', { voucherId }, as(organizer));
    const answers = await Promise.all([off(), off()]);
    expect(answers.map(({ disabled }) => disabled)).toEqual([true, true]);
    await call(broker, 'audit.append', {});
    await call(broker, 'audit.append', {});
    const { items } = await call(broker, 'audit.list', { limit: 100 }, as(organizer));
    const actsOf = (subject: string) =>
      items.filter((entry) => entry.subject === subject).map(({ act, actor }) => [act, actor]);
    const { userId } = organizer;
    expect(actsOf(promoId).reverse()).toEqual([
      ['promo-code.created', userId],
      ['promo-code.changed', userId],
      ['promo-code.disabled', userId],
    ]);
    expect(actsOf(voucherId).reverse()).toEqual([
      ['voucher.issued', userId],
      ['voucher.disabled', userId],
    ]);
    const { db } = database;
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(unrecorded).toEqual([]);
    await broker.stop();
  });

  it('organizers see and change their own codes, by version, and nobody else’s', async () => {
    const made = await promoCode({ redemptionsMax: 10 });
    const { promoId, version, code } = made;
    const twice = promoCode({ code: code.toUpperCase() });
    await expect(twice).rejects.toMatchObject({ code: 'promo-code-taken' });
    const patch = { promoId, version, redemptionsMax: null, off: percent(500) };
    const changed = await call(core(), 'promotions.patchPromo', patch, as(organizer));
    expect(changed).toMatchObject({ version: 2, redemptionsMax: null, off: percent(500) });
    const stale = call(core(), 'promotions.patchPromo', patch, as(organizer));
    await expect(stale).rejects.toMatchObject({ code: 'stale-version' });
    const theirs = call(core(), 'promotions.promo', { promoId }, as(newCaller()));
    await expect(theirs).rejects.toMatchObject({ code: 'not-found' });
    const list = await call(core(), 'promotions.promos', { limit: 2 }, as(organizer));
    expect(list.items).toHaveLength(2);
    expect(list.nextCursor).not.toBeNull();
    expect((await call(core(), 'promotions.promos', {}, as(newCaller()))).items).toEqual([]);
  });
});

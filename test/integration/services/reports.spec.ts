import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { makeScopedId } from '#domain/ids.ts';
import { strayCashPostings } from '#domain/ledger.ts';
import { createReportsService } from '#services/reports.service.ts';
import { book, entriesOf, ownedEvent } from '#test/support/books.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, newCaller } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const iso = (at: number): string => new Date(at).toISOString();

describeWith(['mongod'], 'the reports service', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let ada: Caller;
  let eve: Caller;
  let events: string[];

  beforeAll(async () => {
    database = await testDatabase('reports');
    const { db, uri } = database;
    const runtime = { config: testConfig({ mongodbUri: uri }), clock: systemClock, ids: systemIds };
    broker = await startBroker({ services: [createReportsService(runtime)] });
    [ada, eve] = [newCaller(), newCaller()];
    events = [];
    for (const title of ['First', 'Second, =late', 'Third']) {
      const { eventId } = await ownedEvent(db, title, ada.organizerIds[0]);
      events.push(eventId);
    }
    const [first = '', second = ''] = events;
    await book(db, entriesOf(first, 1_000));
    await book(db, entriesOf(first, 2_000, { cancelled: true }));
    await book(db, entriesOf(second, 3_000));
    await book(db, entriesOf(second, 3_000, { currency: 'JPY' }));
    const { eventId: hers } = await ownedEvent(db, 'Hers', eve.organizerIds[0]);
    await book(db, entriesOf(hers, 1_000));
  });

  afterAll(async () => {
    await broker?.stop();
    await database.drop();
  });

  it('says what each event earned, and the sums', async () => {
    const { items, totals, nextCursor } = await call(broker, 'reports.payouts', {}, as(ada));
    expect(nextCursor).toBeNull();
    expect(items).toMatchObject([
      {
        eventId: events[0],
        title: 'First',
        currency: 'EUR',
        gross: 2_000,
        refunds: 1_000,
        fees: 60,
        taxes: 40,
        net: 900,
        captured: 2_000,
        returned: 1_000,
        vouchers: 0,
      },
      { eventId: events[1], currency: 'EUR', gross: 1_000, net: 900 },
      { eventId: events[1], currency: 'JPY', gross: 1_000, net: 900 },
    ]);
    expect(totals).toMatchObject([
      { currency: 'EUR', gross: 3_000, refunds: 1_000, net: 1_800 },
      { currency: 'JPY', gross: 1_000, net: 900 },
    ]);
  });

  it('keeps to the period, its end not included, and to the currency', async () => {
    const ask = (params: object) => call(broker, 'reports.payouts', params, as(ada));
    const early = await ask({ from: iso(1_000), to: iso(2_000) });
    expect(early.totals).toMatchObject([{ gross: 1_000, refunds: 0 }]);
    const later = await ask({ from: iso(2_000), currency: 'EUR' });
    expect(later.totals).toMatchObject([{ gross: 2_000, refunds: 1_000, net: 900 }]);
    expect((await ask({ currency: 'USD' })).items).toEqual([]);
  });

  it('counts what belongs to a package to its first event', async () => {
    const mia = newCaller();
    const { eventId } = await ownedEvent(database.db, 'Mine', mia.organizerIds[0]);
    const bookingId = makeScopedId('bundle', eventId, systemIds.ulid());
    const entry = { eventId, bookingId, currency: 'EUR', at: 5 } as const;
    const id = `${bookingId}:stray`;
    const postings = strayCashPostings(700);
    await book(database.db, [{ ...entry, id, kind: 'stray-cash', postings }]);
    const { items } = await call(broker, 'reports.payouts', {}, as(mia));
    expect(items).toMatchObject([{ eventId, captured: 700, net: 0 }]);
  });

  it('goes through all events page by page; the sums are of the whole', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const params = cursor === undefined ? { limit: 1 } : { limit: 1, cursor };
      const page = await call(broker, 'reports.payouts', params, as(ada));
      seen.push(...page.items.map(({ eventId }) => eventId));
      expect(page.totals[0]?.gross).toBe(3_000);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([events[0], events[1], events[1]]);
  });

  it("shows nobody another organizer's money; administrators all of it", async () => {
    const [organizerId] = ada.organizerIds;
    const hers = await call(broker, 'reports.payouts', { organizerId }, as(eve));
    expect(hers).toEqual({ items: [], totals: [], nextCursor: null });
    const admin: Caller = { ...newCaller(), roles: ['admin'], organizerIds: [] };
    const all = await call(broker, 'reports.payouts', {}, as(admin));
    expect(all.totals).toMatchObject([{ currency: 'EUR', gross: 4_000 }, { currency: 'JPY' }]);
    const own = await call(broker, 'reports.payouts', { organizerId }, as(admin));
    expect(own.totals[0]?.gross).toBe(3_000);
    const nobody = call(broker, 'reports.payouts', {});
    await expect(nobody).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('comes as a CSV file too', async () => {
    const text = await call(broker, 'reports.payoutsCsv', { currency: 'EUR' }, as(ada));
    expect(text.split('\r\n')).toEqual([
      'eventId,title,currency,gross,refunds,fees,taxes,net,captured,returned,vouchers,cashIn,cashOut,payable',
      `${events[0]},First,EUR,2000,1000,60,40,900,2000,1000,0,0,0,900`,
      `${events[1]},"Second, =late",EUR,1000,0,60,40,900,1000,0,0,0,0,900`,
      '',
    ]);
  });
});

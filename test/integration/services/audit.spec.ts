import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import {
  collections,
  type OutboxDocument,
  toOutboxDocument,
} from '#adapters/store/booking-documents.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call } from '#broker/call.ts';
import type { AuditView } from '#contracts/audit.contract.ts';
import type { Caller } from '#contracts/common.ts';
import { makeScopedId } from '#domain/ids.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { createAuditService } from '#services/audit.service.ts';
import { book, entriesOf, ownedEvent } from '#test/support/books.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, draftEvent, FakeSeats, newCaller, startCatalogue } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'the audit log', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let other: ServiceBroker;
  let catalogue: ServiceBroker;

  beforeAll(async () => {
    database = await testDatabase('audit');
    const { uri } = database;
    const runtime = { config: testConfig({ mongodbUri: uri }), clock: systemClock, ids: systemIds };
    broker = await startBroker({ services: [createAuditService(runtime)] });
    other = await startBroker({ services: [createAuditService(runtime)] });
    catalogue = await startCatalogue(uri, new FakeSeats());
  }, 30_000);

  afterAll(async () => {
    for (const node of [broker, other, catalogue]) await node?.stop();
    await database.drop();
  });

  const sound = async (): Promise<void> => {
    const { db } = database;
    const report = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(report.chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(report.unrecorded).toEqual([]);
  };
  const appendAll = async (node = broker): Promise<number> => {
    let sum = 0;
    for (;;) {
      const { added, more } = await call(node, 'audit.append', {});
      sum += added;
      if (!more) return sum;
    }
  };
  const logOf = async (caller: Caller): Promise<AuditView[]> =>
    (await call(broker, 'audit.list', { limit: 100 }, as(caller))).items;
  const organizerOf = (caller: Caller): string => caller.organizerIds[0] as string;

  it('has what an organizer did with an event, who and when, and what it was before', async () => {
    const ada = newCaller();
    const { event } = await draftEvent(catalogue, ada);
    const { eventId } = event;
    const own = { eventId };
    const prices = [
      { category: 'A', amount: 6_000 },
      { category: 'B', amount: 3_000 },
    ];
    const { version } = event;
    await call(catalogue, 'catalogue.patchEvent', { eventId, version, prices }, as(ada));
    await call(catalogue, 'catalogue.publish', own, as(ada));
    await call(catalogue, 'catalogue.block', { eventId, seats: ['Stalls-1-1'] }, as(ada));
    await call(catalogue, 'catalogue.unblock', { eventId, seats: ['Stalls-1-1'] }, as(ada));
    await call(catalogue, 'catalogue.pause', own, as(ada));
    // Again, with nothing to do: no act.
    await call(catalogue, 'catalogue.pause', own, as(ada));
    await call(catalogue, 'catalogue.resume', own, as(ada));
    await call(catalogue, 'catalogue.cancel', own, as(ada));
    expect(await appendAll()).toBe(8);
    const entries = (await logOf(ada)).reverse();
    expect(entries.map(({ seq, act }) => [seq, act])).toEqual([
      [1, 'event.created'],
      [2, 'event.changed'],
      [3, 'event.published'],
      [4, 'seats.blocked'],
      [5, 'seats.unblocked'],
      [6, 'event.paused'],
      [7, 'event.resumed'],
      [8, 'event.cancelled'],
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ actor: ada.userId, subject: eventId });
    }
    expect(entries[1]?.data).toEqual({ prices: { from: event.prices, to: prices } });
    expect(entries[3]?.data).toEqual({ seats: ['Stalls-1-1'] });
    const row = await database.db.collection<EventRow>('events').findOne({ _id: eventId });
    expect(row).toMatchObject({ actsMade: 8, acts: [] });
    expect(row).not.toHaveProperty('actsWaiting');
    await sound();
  });

  it('has what was done with money, and free tickets too', async () => {
    const ada = newCaller();
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    await book(db, entriesOf(eventId, 1_000, { cancelled: true }));
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const data = { bookingId, seats: [], amount: { amount: 0, currency: 'EUR' } };
    const message = { eventId, to: { userId: ada.userId }, data };
    await db
      .collection<OutboxDocument>(collections.outbox)
      .insertMany([
        toOutboxDocument({ key: 'a', kind: 'booking-confirmed', ...message }, 5_000),
        toOutboxDocument({ key: 'b', kind: 'booking-reminder', ...message }, 5_000),
        toOutboxDocument({ key: 'c', kind: 'booking-cancelled', ...message }, 6_000),
      ]);
    expect(await appendAll()).toBe(6);
    expect((await logOf(ada)).reverse().map(({ act }) => act)).toEqual([
      'booking.sold',
      'payment.captured',
      'booking.cancelled',
      'payment.refunded',
      'booking.sold',
      'booking.cancelled',
    ]);
    await sound();
  });

  it('has all entries for which one mark stands, each event in the chain of its own', async () => {
    const [ada, eve] = [newCaller(), newCaller()];
    const { db } = database;
    const hers = await ownedEvent(db, 'A play', organizerOf(ada));
    const other = await ownedEvent(db, 'Another', organizerOf(eve));
    const entries = [hers, other, hers, hers].flatMap(({ eventId }, at) => entriesOf(eventId, at));
    await book(db, entries);
    const ledger = db.collection(collections.ledger);
    const marked = () => ledger.countDocuments({ unaudited: { $exists: true } });
    expect(await marked()).toBe(2);
    // What waits under the mark of another is not missing.
    await sound();
    expect(await appendAll()).toBe(8);
    expect(await marked()).toBe(0);
    expect((await logOf(ada)).length).toBe(6);
    expect((await logOf(eve)).length).toBe(2);
    await sound();
  });

  it('has the acts of several transactions of one turn, also when only some were written', async () => {
    const ada = newCaller();
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    const entries = Array.from({ length: 350 }, (_, at) => entriesOf(eventId, at)).flat();
    await book(db, entries);
    const log = new AuditLog(db);
    const acts = await new AuditSources(db).pending(1_000);
    // A worker that was killed behind its first transaction.
    expect(await log.append(organizerOf(ada), acts.slice(0, 500))).toBe(500);
    expect(await call(broker, 'audit.append', {})).toEqual({ added: 200, failed: 0, more: false });
    const { items } = await call(broker, 'audit.list', { limit: 1 }, as(ada));
    expect(items[0]?.seq).toBe(700);
    await sound();
  });

  it('says so when an entry lost its mark before it stood in the log', async () => {
    const ada = newCaller();
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    const entries = entriesOf(eventId, 1_000, { cancelled: true });
    await book(db, entries);
    const ids = entries.map(({ id }) => id);
    const ledger = db.collection<{ _id: string }>(collections.ledger);
    await ledger.updateMany({ _id: { $in: ids } }, { $unset: { unaudited: '' } });
    expect(await appendAll()).toBe(0);
    const { unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect([...unrecorded].sort()).toEqual(ids.map((id) => `ledger:${id}`).sort());
    await ledger.updateMany({ _id: { $in: ids } }, { $set: { unaudited: true } });
    expect(await appendAll()).toBe(4);
    await sound();
  });

  it('has each act once when the marks were not taken away', async () => {
    const ada = newCaller();
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    const entries = entriesOf(eventId, 1_000);
    await book(db, entries);
    expect(await appendAll()).toBe(2);
    const ids = entries.map(({ id }) => id);
    await db
      .collection<{ _id: string }>(collections.ledger)
      .updateMany({ _id: { $in: ids } }, { $set: { unaudited: true } });
    expect(await appendAll()).toBe(0);
    expect(await logOf(ada)).toHaveLength(2);
    await sound();
  });

  it('stays one chain when two workers append at once, while acts are added', async () => {
    const ada = newCaller();
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    let added = 0;
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 10; i++) await book(db, entriesOf(eventId, round * 100 + i));
      const both = [broker, other].map((node) => call(node, 'audit.append', { limit: 12 }));
      for (const outcome of await Promise.all(both)) added += outcome.added;
    }
    added += await appendAll();
    expect(added).toBe(160);
    const { items } = await call(broker, 'audit.list', { limit: 1 }, as(ada));
    expect(items[0]?.seq).toBe(160);
    await sound();
  }, 30_000);

  it('does not hold up other chains when one cannot be continued', async () => {
    const [ada, eve] = [newCaller(), newCaller()];
    const { db } = database;
    const broken = await ownedEvent(db, 'A play', organizerOf(ada));
    const whole = await ownedEvent(db, 'A play', organizerOf(eve));
    const log = db.collection<{ _id: string; organizerId: string; seq: number }>('audit_log');
    await log.insertOne({ _id: 'forged', organizerId: organizerOf(ada), seq: 1 });
    // The older acts fill a whole batch.
    for (let at = 0; at < 5; at++) await book(db, entriesOf(broken.eventId, at));
    await book(db, entriesOf(whole.eventId, 1_000));
    const append = () => call(broker, 'audit.append', { limit: 6 });
    expect(await append()).toEqual({ added: 2, failed: 1, more: false });
    expect(await logOf(eve)).toHaveLength(2);
    // Nothing was lost: with the forged entry gone the chain begins.
    await log.deleteOne({ _id: 'forged' });
    expect(await append()).toEqual({ added: 6, failed: 0, more: true });
    expect(await append()).toEqual({ added: 4, failed: 0, more: false });
    await sound();
  });

  it('is shown page by page, to its organizer alone', async () => {
    const [ada, eve] = [newCaller(), newCaller()];
    const { db } = database;
    const { eventId } = await ownedEvent(db, 'A play', organizerOf(ada));
    for (const at of [1, 2, 3]) await book(db, entriesOf(eventId, at * 100));
    await appendAll();
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const params = cursor === undefined ? { limit: 4 } : { limit: 4, cursor };
      const page = await call(broker, 'audit.list', params, as(ada));
      seen.push(...page.items.map(({ seq }) => seq));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual([6, 5, 4, 3, 2, 1]);
    const organizerId = organizerOf(ada);
    const hers = await call(broker, 'audit.list', { organizerId }, as(eve));
    expect(hers).toEqual({ items: [], nextCursor: null });
    const nobody = call(broker, 'audit.list', {});
    await expect(nobody).rejects.toMatchObject({ code: 'unauthenticated' });
    const odd = call(broker, 'audit.list', { cursor: 'x' }, as(ada));
    await expect(odd).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call } from '#broker/call.ts';
import { UsherError } from '#domain/errors.ts';
import {
  as,
  draftEvent,
  FakeSeats,
  inDays,
  newCaller,
  startCatalogue,
} from '#test/support/catalogue.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type News = { readonly eventId: string; readonly no: number; readonly news: object };

describeWith(['mongod'], 'news of an event', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let seats: FakeSeats;
  /** What the bookings heard, and how often they refuse. */
  const heard: News[] = [];
  let refusals = 0;
  const caller = newCaller();

  beforeAll(async () => {
    database = await testDatabase('event-news');
    seats = new FakeSeats();
    broker = await startCatalogue(database.uri, seats);
    broker.createService({
      name: 'bookings',
      actions: {
        eventChanged: ({ params }: { params: News }) => {
          if (refusals-- > 0) throw new UsherError('unavailable');
          heard.push(params);
          return { taken: true };
        },
      },
    } as never);
    await broker.waitForServices('bookings', 5_000);
  }, 30_000);

  afterAll(async () => {
    await broker?.stop();
    await database?.drop();
  });

  const published = async (): Promise<string> => {
    const { event } = await draftEvent(broker, caller);
    await call(broker, 'catalogue.publish', { eventId: event.eventId }, as(caller));
    return event.eventId;
  };
  const heardOf = async (eventId: string, count: number): Promise<readonly News[]> => {
    const own = () => heard.filter((news) => news.eventId === eventId);
    for (let look = 0; look < 150 && own().length < count; look++) await systemClock.sleep(100);
    return own();
  };

  it('come to its bookings once its seats know them, in order', async () => {
    const eventId = await published();
    const date = (days: number) => ({ startsAt: inDays(days), endsAt: inDays(days + 0.1) });
    const first = { ...date(50), refundUntil: inDays(10) };
    await call(broker, 'catalogue.postpone', { eventId, ...first }, as(caller));
    const [opened, changed] = seats.heard.filter((command) => command.eventId === eventId);
    if (opened?.kind !== 'open' || changed?.kind !== 'change-terms') throw new Error('no terms');
    expect(changed.terms.endsAt).toBe(Date.parse(first.endsAt));
    expect(changed.terms.sale.closesAt).toBe(Date.parse(first.endsAt));
    const second = date(60);
    await call(broker, 'catalogue.postpone', { eventId, ...second }, as(caller));
    await call(broker, 'catalogue.cancel', { eventId }, as(caller));
    const told = await heardOf(eventId, 3);
    const event = { name: 'An Evening of Songs', timeZone: 'Europe/Vienna', venue: 'Town Hall' };
    expect(told.map(({ no, news }) => [no, news])).toMatchObject([
      [
        1,
        {
          kind: 'postponed',
          no: 1,
          event: { ...event, startsAt: Date.parse(first.startsAt) },
          refundUntil: Date.parse(first.refundUntil),
        },
      ],
      [2, { kind: 'postponed', no: 2, event: { ...event, startsAt: Date.parse(second.startsAt) } }],
      [3, { kind: 'cancelled' }],
    ]);
    const rows = database.db.collection<EventRow>('events');
    const row = await rows.findOne({ _id: eventId });
    expect(row?.notices).toEqual([]);
    expect(row?.noticesDueAt).toBeUndefined();
  }, 30_000);

  it('wait while the seats do not know them', async () => {
    const eventId = await published();
    seats.script.push('unavailable', 'unavailable', 'unavailable', 'unavailable', 'unavailable');
    const cancelled = await call(broker, 'catalogue.cancel', { eventId }, as(caller));
    const told = await heardOf(eventId, 1);
    expect(cancelled.status).toBe('cancelled');
    expect(told).toHaveLength(1);
    expect(seats.script).toEqual([]);
  }, 30_000);

  it('are told again when the bookings did not take them', async () => {
    refusals = 1;
    const eventId = await published();
    await call(broker, 'catalogue.cancel', { eventId }, as(caller));
    expect(await heardOf(eventId, 1)).toMatchObject([{ no: 1, news: { kind: 'cancelled' } }]);
  }, 30_000);

  it('are none for a draft, and a draft is not put off', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    const date = { startsAt: inDays(50), endsAt: inDays(51) };
    await expect(
      call(broker, 'catalogue.postpone', { eventId, ...date }, as(caller)),
    ).rejects.toMatchObject({ code: 'state-forbids' });
    await call(broker, 'catalogue.cancel', { eventId }, as(caller));
    const row = await database.db.collection<EventRow>('events').findOne({ _id: eventId });
    expect(row?.notices).toBeUndefined();
  });
});

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import type { Long } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call, type ParamsOf } from '#broker/call.ts';
import { createSearchService } from '#services/search.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, draftEvent, FakeSeats, newCaller, startCatalogue } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const promisedMs = 2_000;

describeWith(['mongod'], 'search', () => {
  let database: TestDatabase;
  let catalogue: ServiceBroker;
  let search: ServiceBroker;
  const caller = newCaller();

  const startSearch = (): Promise<ServiceBroker> => {
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    return startBroker({ services: [createSearchService(runtime)] });
  };

  beforeAll(async () => {
    database = await testDatabase('search');
    // An index may be there before any collection is.
    search = await startSearch();
    catalogue = await startCatalogue(database.uri, new FakeSeats());
  });

  afterAll(async () => {
    await search.stop();
    await catalogue.stop();
    await database.drop();
  });

  const found = async (params: ParamsOf<'search.events'>): Promise<string[]> =>
    (await call(search, 'search.events', params)).items.map((item) => item.eventId);

  const within = async (holds: () => Promise<boolean>): Promise<number> => {
    const from = systemClock.monotonic();
    while (!(await holds())) {
      if (systemClock.monotonic() - from > promisedMs) throw new Error('not within two seconds');
      await systemClock.sleep(20);
    }
    return systemClock.monotonic() - from;
  };

  const published = async (title: string) => {
    const made = await draftEvent(catalogue, caller);
    const { eventId } = made.event;
    const version = made.event.version;
    await call(catalogue, 'catalogue.patchEvent', { eventId, version, title }, as(caller));
    await call(catalogue, 'catalogue.publish', { eventId }, as(caller));
    return { eventId, venue: made.venue };
  };

  it('finds an event within two seconds of its publishing, and no draft', async () => {
    const draft = await draftEvent(catalogue, caller);
    const { eventId } = await published('Aurora Borealis');
    await within(async () => (await found({ q: 'aurora' })).includes(eventId));
    expect(await found({})).not.toContain(draft.event.eventId);
  });

  it('follows a new name of the venue, and a cancelled event out of the list', async () => {
    const { eventId, venue } = await published('Meridian');
    await within(async () => (await found({ q: 'meridian' })).includes(eventId));
    const { venueId } = venue;
    const params = { venueId, version: 1, name: 'Palais Nouveau', city: 'Linz' };
    await call(catalogue, 'venues.patch', params, as(caller));
    await within(async () => (await found({ q: 'meridian palais', city: 'linz' })).length === 1);
    await call(catalogue, 'catalogue.cancel', { eventId }, as(caller));
    await within(async () => (await found({ q: 'meridian' })).length === 0);
  });

  it("shows what is left by the directory's counts", async () => {
    const { eventId } = await published('Equinox');
    await within(async () => (await found({ q: 'equinox', available: 'true' })).length === 1);
    const counts = { available: 0, reserved: 0, sold: 50, blocked: 0 };
    const rows = database.db.collection<{ _id: string }>('inventories');
    await rows.insertOne({ _id: eventId, seq: 9, counts } as never);
    await within(async () => (await found({ q: 'equinox', available: 'true' })).length === 0);
    const { items } = await call(search, 'search.events', { q: 'equinox' });
    expect(items).toMatchObject([{ available: 0, saleState: 'on-sale' }]);
  });

  it('has everything again after a restart', async () => {
    const { eventId } = await published('Zenith');
    await within(async () => (await found({ q: 'zenith' })).includes(eventId));
    const before = await found({ limit: 100 });
    await search.stop();
    const { eventId: missed } = await published('Nadir');
    search = await startSearch();
    expect((await found({ limit: 100 })).toSorted()).toEqual([...before, missed].toSorted());
  });

  it('goes on after its change stream was killed', async () => {
    const { client, databaseName } = database.db;
    const open = client
      .db('admin')
      .aggregate<{ cursor?: { cursorId: Long } }>(
        [
          { $currentOp: { allUsers: true, idleCursors: true } },
          { $match: { ns: { $regex: databaseName } } },
        ],
        { readConcern: { level: 'local' } },
      );
    const cursors = (await open.toArray()).flatMap(({ cursor }) => cursor?.cursorId ?? []);
    expect(cursors.length).toBeGreaterThan(0);
    await database.db.command({ killCursors: '$cmd.aggregate', cursors });
    const { eventId } = await published('Solstice');
    await within(async () => (await found({ q: 'solstice' })).includes(eventId));
  });

  it('says in two facets what there is', async () => {
    const { facets } = await call(search, 'search.events', {});
    expect(facets.category[0]).toMatchObject({ value: 'concert' });
    expect(facets.city.map(({ value }) => value)).toContain('Graz');
  });

  it('refuses what is no place, date or price', async () => {
    for (const params of [
      { near: '91,0' },
      { near: 'here' },
      { from: 'soon' },
      { minPrice: -1 },
      { category: 'circus' },
      { colour: 'red' },
    ]) {
      await expect(call(search, 'search.events', params as never)).rejects.toMatchObject({
        code: 'invalid-request',
      });
    }
  });

  it('reads everything again when its place in the history is gone', async () => {
    await database.db.dropDatabase();
    const { eventId } = await published('Perigee');
    const from = systemClock.monotonic();
    while ((await found({ limit: 100 })).join() !== eventId) {
      expect(systemClock.monotonic() - from).toBeLessThan(10_000);
      await systemClock.sleep(50);
    }
  });
});

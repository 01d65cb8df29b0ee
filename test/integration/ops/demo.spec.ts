import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { Geometry } from '#domain/chart-geometry.ts';
import { demoOrganizer, seedDemo } from '#ops/demo/seed.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createBundlesService } from '#services/bundles.service.ts';
import { createCatalogueService } from '#services/catalogue.service.ts';
import { createChartsService } from '#services/charts.service.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { createPromotionsService } from '#services/promotions.service.ts';
import { createSearchService } from '#services/search.service.ts';
import { createVenuesService } from '#services/venues.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'demo', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;

  const runtimeOf = () => {
    const config = testConfig({ mongodbUri: database.uri });
    return { config, clock: systemClock, ids: systemIds };
  };

  beforeAll(async () => {
    database = await testDatabase('demo');
    const services = [
      createAccountsService,
      createInventoryService,
      createVenuesService,
      createChartsService,
      createCatalogueService,
      createSearchService,
      createBundlesService,
      createPromotionsService,
    ];
    broker = await startBroker({ services: services.map((create) => create(runtimeOf())) });
  });

  afterAll(async () => {
    await broker.stop();
    await database.drop();
  });

  it('fills an empty catalogue within ten seconds, and only once', async () => {
    const from = systemClock.monotonic();
    const demo = await seedDemo(broker, runtimeOf());
    expect(systemClock.monotonic() - from).toBeLessThan(10_000);
    expect(demo?.events).toHaveLength(7);
    expect((await seedDemo(broker, runtimeOf()))?.events).toEqual([]);
  });

  it('lets the organizer in', async () => {
    const { user } = await call(broker, 'accounts.login', demoOrganizer);
    expect(user.organizers).toHaveLength(1);
  });

  it('has every event on sale with all its seats', async () => {
    const found = () => call(broker, 'search.events', { limit: 100 });
    // The index follows the catalogue within a second.
    let { items } = await found();
    for (let looks = 0; items.length < 7 && looks < 50; looks++) {
      await systemClock.sleep(100);
      ({ items } = await found());
    }
    const places: number[] = [];
    for (const { eventId } of items) {
      const event = await call(broker, 'catalogue.event', { eventId });
      expect(event.saleState).toBe('on-sale');
      expect(event.counts).toEqual({
        available: event.places,
        reserved: 0,
        sold: 0,
        blocked: 0,
      });
      places.push(event.places);
    }
    expect(places.toSorted((a, b) => a - b)).toEqual([616, 616, 1196, 1196, 1196, 50_000, 50_000]);
  });

  it('has one package and one promo code, however often it is filled', async () => {
    const { user } = await call(broker, 'accounts.login', demoOrganizer);
    const organizerIds = user.organizers.map(({ organizerId }) => organizerId);
    const meta = { caller: { userId: user.userId, roles: user.roles, organizerIds } };
    await seedDemo(broker, runtimeOf());
    const packages = await call(broker, 'bundles.organizerPackages', {}, { meta });
    expect(packages.items.map(({ events }) => events.length)).toEqual([2]);
    const promos = await call(broker, 'promotions.promos', {}, { meta });
    expect(promos.items.map(({ code }) => code)).toEqual(['WELCOME']);
  });

  it('draws the stadium', async () => {
    const { items } = await call(broker, 'search.events', { q: 'cup final' });
    const eventId = items[0]?.eventId ?? '';
    const text = await call(broker, 'charts.geometry', { eventId, version: 1 });
    const geometry = JSON.parse(text) as Geometry;
    expect(geometry.places).toBe(50_000);
    expect(geometry.areas.map((area) => area.first)).toEqual([40_000, 45_000]);
  });
});

describeWith(['mongod'], "demo beside somebody's catalogue", () => {
  it('does nothing', async () => {
    const database = await testDatabase('demo-none');
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createAccountsService, createVenuesService];
    const broker = await startBroker({ services: services.map((create) => create(runtime)) });
    const account = { email: 'a@b.example', password: 'long enough', name: 'A' };
    const organizer = { name: 'Own house' };
    const { user } = await call(broker, 'accounts.signup', { ...account, organizer });
    const organizerIds = user.organizers.map(({ organizerId }) => organizerId);
    const caller = { userId: user.userId, roles: user.roles, organizerIds };
    const venue = { name: 'Own', city: 'Here', country: 'AT' };
    await call(broker, 'venues.create', venue, { meta: { caller } });
    expect(await seedDemo(broker, runtime)).toBeUndefined();
    await broker.stop();
    await database.drop();
  });
});

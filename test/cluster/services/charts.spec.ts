import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call, type ParamsOf } from '#broker/call.ts';
import type { Geometry } from '#domain/chart-geometry.ts';
import { stadiumPlan } from '#ops/demo/stadium.ts';
import { createCatalogueService } from '#services/catalogue.service.ts';
import { createChartsService } from '#services/charts.service.ts';
import { createVenuesService } from '#services/venues.service.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { as, eventFields, FakeSeats, newCaller, venueFields } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

/** A chart of megabytes must pass a gateway although messages between nodes may have one. */
describeWith(['mongod', 'nats-server'], 'charts on a cluster', () => {
  let database: TestDatabase;
  let gateway: ServiceBroker;
  let core: ServiceBroker;
  const caller = newCaller();

  beforeAll(async () => {
    database = await testDatabase('charts-cluster');
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const shared = { namespace: testNamespace(), natsUrl: natsUrl() };
    const services = [createVenuesService, createChartsService, createCatalogueService];
    core = await startBroker({
      ...shared,
      services: [...services.map((create) => create(runtime)), new FakeSeats().service()],
    });
    gateway = await startBroker({ ...shared, services: [createChartsService(runtime)] });
    await gateway.waitForServices(['venues', 'catalogue'], 10_000);
    await core.waitForServices(['inventory'], 10_000);
  });

  afterAll(async () => {
    await gateway.stop();
    await core.stop();
    await database.drop();
  });

  it('imports, publishes and draws a stadium of 50 000 through a gateway', async () => {
    const { venueId } = await call(gateway, 'venues.create', venueFields, as(caller));
    const params = { venueId, ...stadiumPlan() } as ParamsOf<'charts.import'>;
    const { chartId, places } = await call(gateway, 'charts.import', params, as(caller));
    expect(places).toBe(50_000);
    const prices = ['Side', 'Corner', 'End', 'Upper End', 'Standing'].map((category) => ({
      category,
      amount: 2_000,
    }));
    const event = { venueId, chartId, ...eventFields(), prices };
    const { eventId } = await call(gateway, 'catalogue.createEvent', event, as(caller));
    const published = await call(gateway, 'catalogue.publish', { eventId }, as(caller));
    expect(published).toMatchObject({ status: 'published', pending: false });
    const text = await call(gateway, 'charts.geometry', { eventId, version: 1 });
    expect(text.length).toBeGreaterThan(1_000_000);
    expect((JSON.parse(text) as Geometry).places).toBe(50_000);
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call, type ParamsOf } from '#broker/call.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import { createCatalogueService } from '#services/catalogue.service.ts';
import { createChartsService } from '#services/charts.service.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { createVenuesService } from '#services/venues.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { as, draftEvent, inDays, newCaller } from '#test/support/catalogue.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

/** Row 1 of the hall is category A: ten seats. */
const rule = {
  category: 'A',
  base: 5_000,
  floor: 4_000,
  ceiling: 6_500,
  bySold: [
    { from: 2_000, basisPoints: 1_000 },
    { from: 4_000, basisPoints: 9_000 },
  ],
};

describeWith(['mongod'], 'prices that move by themselves', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  const caller = newCaller();
  const config = () => testConfig({ mongodbUri: database.uri });
  const runtime = () => ({ config: config(), clock: systemClock, ids: systemIds });

  beforeAll(async () => {
    database = await testDatabase('repricing');
    const create = [
      createVenuesService,
      createChartsService,
      createCatalogueService,
      createInventoryService,
    ];
    broker = await startBroker({ services: create.map((one) => one(runtime())) });
  }, 30_000);

  afterAll(async () => {
    await broker?.stop();
    await database?.drop();
  });

  const patch = async (eventId: string, fields: object) => {
    const { version } = await call(broker, 'catalogue.organizerEvent', { eventId }, as(caller));
    const params = { eventId, version, ...fields } as ParamsOf<'catalogue.patchEvent'>;
    return call(broker, 'catalogue.patchEvent', params, as(caller));
  };
  const published = async (fields: object = {}): Promise<string> => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await patch(eventId, { pricing: [rule], ...fields });
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    return eventId;
  };
  const priceOfA = async (eventId: string): Promise<number | undefined> => {
    const { prices } = await call(broker, 'catalogue.event', { eventId });
    return prices.find(({ category }) => category === 'A')?.price.amount;
  };
  const history = (eventId: string) =>
    call(broker, 'catalogue.priceHistory', { eventId }, as(caller));
  const base = (eventId: string) => ({ eventId, deadline: Date.now() + limits.callTimeoutMs });
  const hold = (eventId: string, seats: readonly string[]) => {
    const id = randomUUID().replaceAll('-', '');
    const command: CommandOf<'hold'> = {
      kind: 'hold',
      id,
      holdId: holdIdOf(eventId, id),
      fingerprint: fingerprintOf(seats),
      buyerId: makeId('user', systemIds.ulid()),
      channel: 'public',
      want: { by: 'seats', seats },
      ...base(eventId),
    };
    return inventoryClientOf(broker, runtime()).execute<'hold'>(command);
  };
  const sell = async (eventId: string, seats: readonly string[]): Promise<void> => {
    const { holdId, buyerId } = await hold(eventId, seats);
    const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
    const inventory = inventoryClientOf(broker, runtime());
    const about = { holdId, bookingId, ...base(eventId) };
    await inventory.execute<'pin'>({ kind: 'pin', id: `pin:${bookingId}`, buyerId, ...about });
    const sale = { kind: 'sell', id: `sell:${bookingId}`, paymentId: 'none' } as const;
    const answer = await inventory.execute<'sell'>({ ...sale, equalSeats: false, ...about });
    expect(answer.outcome).toBe('sold');
  };
  const read = (eventId: string, holdId: string, buyerId: string) =>
    inventoryClientOf(broker, runtime()).execute<'read-hold'>({
      kind: 'read-hold',
      id: randomUUID(),
      holdId,
      buyerId,
      ...base(eventId),
    });
  const round = () => call(broker, 'catalogue.reprice', {});
  const seat = (n: number): string => `Stalls-1-${n}`;

  it('follow what is sold, reach the seats, and leave held quotes as they are', async () => {
    const eventId = await published();
    expect(await round()).toMatchObject({ changed: 0, failed: 0 });
    const before = await hold(eventId, [seat(10)]);
    await sell(eventId, [seat(1), seat(2)]);
    expect(await round()).toMatchObject({ changed: 1, failed: 0 });
    expect(await priceOfA(eventId)).toBe(5_500);
    expect((await hold(eventId, [seat(3)])).quote.total).toBe(5_500);
    const kept = await read(eventId, before.holdId, before.buyerId);
    expect(kept.quote.total).toBe(5_000);
    await sell(eventId, [seat(4), seat(5)]);
    expect(await round()).toMatchObject({ changed: 1 });
    expect(await priceOfA(eventId)).toBe(6_500);
    expect(await round()).toMatchObject({ changed: 0 });
  });

  it('have a history with reasons, that of the organizer’s own changes included', async () => {
    const eventId = await published();
    await sell(eventId, [seat(1), seat(2)]);
    await round();
    await patch(eventId, {
      prices: [
        { category: 'A', amount: 4_500 },
        { category: 'B', amount: 2_000 },
      ],
    });
    const { items } = await history(eventId);
    expect(items).toHaveLength(2);
    expect(items[1]).toMatchObject({
      by: 'system',
      prices: [
        {
          category: 'A',
          from: { amount: 5_000, currency: 'EUR' },
          to: { amount: 5_500 },
          because: [
            { by: 'base', amount: 5_000 },
            { by: 'sold', amount: 5_500, says: '20 % sold, 20 % reached: +10 %' },
          ],
        },
      ],
    });
    expect(items[0]).toMatchObject({
      by: caller.userId,
      prices: [
        { category: 'A', from: { amount: 5_500 }, to: { amount: 4_500 } },
        { category: 'B', from: { amount: 3_000 }, to: { amount: 2_000 } },
      ],
    });
    const theirs = call(broker, 'catalogue.priceHistory', { eventId }, as(newCaller()));
    await expect(theirs).rejects.toMatchObject({ code: 'not-found' });
    const row = await database.db.collection<EventRow>('events').findOne({ _id: eventId });
    expect(row?.acts?.map(({ act }) => act)).toContain('event.repriced');
  });

  it('are set by hand, and move again when that is taken away', async () => {
    const eventId = await published();
    await patch(eventId, { pricing: [{ ...rule, manual: 4_200 }] });
    await round();
    expect(await priceOfA(eventId)).toBe(4_200);
    await patch(eventId, { pricing: [{ ...rule, manual: null }] });
    await round();
    expect(await priceOfA(eventId)).toBe(5_000);
  });

  it('stay within floor and ceiling, whoever sets them', async () => {
    const eventId = await published();
    const prices = [
      { category: 'A', amount: 3_999 },
      { category: 'B', amount: 3_000 },
    ];
    await expect(patch(eventId, { prices })).rejects.toMatchObject({
      code: 'invalid-request',
      data: { errors: [{ path: 'pricing.0.floor' }] },
    });
  });

  it('do not move while the event is paused or not yet on sale', async () => {
    const moving = { pricing: [{ ...rule, manual: 6_000 }] };
    const [paused, later] = await Promise.all([
      published(moving),
      published({ ...moving, sale: { opensAt: inDays(1) } }),
    ]);
    await call(broker, 'catalogue.pause', { eventId: paused }, as(caller));
    await round();
    expect([await priceOfA(paused), await priceOfA(later)]).toEqual([5_000, 5_000]);
    await call(broker, 'catalogue.resume', { eventId: paused }, as(caller));
    await round();
    expect(await priceOfA(paused)).toBe(6_000);
  });

  it('are written once by two rounds at the same time', async () => {
    const eventId = await published({ pricing: [{ ...rule, manual: 6_100 }] });
    await Promise.all([round(), round(), round()]);
    expect(await priceOfA(eventId)).toBe(6_100);
    expect((await history(eventId)).items).toHaveLength(1);
  });
});

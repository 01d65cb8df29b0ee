import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { call } from '#broker/call.ts';
import { replyOf } from '#broker/reply.ts';
import { unpackLayout } from '#domain/layout.ts';
import {
  as,
  draftEvent,
  eventFields,
  FakeSeats,
  hall,
  inDays,
  newCaller,
  startCatalogue,
  venueFields,
} from '#test/support/catalogue.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'catalogue', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let seats: FakeSeats;
  const caller = newCaller();
  const stranger = newCaller();

  beforeAll(async () => {
    database = await testDatabase('catalogue');
  });

  beforeEach(async () => {
    seats = new FakeSeats();
    broker = await startCatalogue(database.uri, seats);
  });

  afterEach(async () => {
    await broker.stop();
  });

  afterAll(async () => {
    await database.drop();
  });

  it('shows a published event with venue, prices, state of sale and counts', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await expect(call(broker, 'catalogue.event', { eventId })).rejects.toMatchObject({
      code: 'not-found',
    });
    const published = await call(broker, 'catalogue.publish', { eventId }, as(caller));
    expect(published).toMatchObject({
      status: 'published',
      pending: false,
      inventory: { sent: 1, applied: 1 },
    });
    expect(await call(broker, 'catalogue.event', { eventId })).toMatchObject({
      title: 'An Evening of Songs',
      venue: { name: 'Town Hall', city: 'Graz' },
      saleState: 'on-sale',
      chartVersion: 1,
      places: 50,
      prices: [
        { category: 'A', color: '#c00', price: { amount: 5_000, currency: 'EUR' } },
        { category: 'B', price: { amount: 3_000, currency: 'EUR' } },
      ],
      counts: { available: 3, reserved: 1, sold: 0, blocked: 0 },
    });
  });

  it('opens the seats with layout and terms, and only those', async () => {
    const { event } = await draftEvent(broker, caller);
    await call(broker, 'catalogue.publish', { eventId: event.eventId }, as(caller));
    const [command] = seats.heard;
    if (command?.kind !== 'open') throw new Error('the seats were not opened');
    expect(command.terms).toMatchObject({
      prices: { A: 5_000, B: 3_000 },
      limits: { ticketsPerBuyer: 8, liveHoldsPerBuyer: 2, holdTtlMs: 600_000 },
      sale: { status: 'open', opensAt: null, closesAt: Date.parse(event.endsAt) },
      chartVersion: 1,
    });
    const layout = unpackLayout(command.terms.layout);
    expect(layout.seats.length).toBe(20);
    expect(layout.areas).toEqual([{ id: 'Standing', name: 'Standing', category: 1, count: 30 }]);
  });

  it('answers a repeated publish without a second change', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    expect(seats.heard.length).toBe(1);
  });

  it('refuses a stale write and names the present version', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId, version } = event;
    const patch = (title: string) =>
      call(broker, 'catalogue.patchEvent', { eventId, version, title }, as(caller));
    await patch('First');
    await expect(patch('Second')).rejects.toMatchObject({
      code: 'stale-version',
      data: { version: 2 },
    });
    expect(await call(broker, 'catalogue.organizerEvent', { eventId }, as(caller))).toMatchObject({
      title: 'First',
      version: 2,
    });
  });

  it('lets exactly one of many writers of the same version through', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId, version } = event;
    const writes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        call(broker, 'catalogue.patchEvent', { eventId, version, title: `T${i}` }, as(caller)),
      ),
    );
    expect(writes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('hides what belongs to others', async () => {
    const { event, venue, chart } = await draftEvent(broker, caller);
    const { eventId } = event;
    const { venueId } = venue;
    const { chartId } = chart;
    const tries = [
      call(broker, 'catalogue.organizerEvent', { eventId }, as(stranger)),
      call(broker, 'catalogue.publish', { eventId }, as(stranger)),
      call(broker, 'catalogue.patchEvent', { eventId, version: 1, title: 'x' }, as(stranger)),
      call(broker, 'catalogue.block', { eventId, seats: ['Stalls-1-1'] }, as(stranger)),
      call(broker, 'venues.patch', { venueId, version: 1, name: 'x' }, as(stranger)),
      call(broker, 'charts.exportPlan', { chartId, version: 1 }, as(stranger)),
      call(broker, 'charts.import', { venueId, text: hall }, as(stranger)),
      call(broker, 'catalogue.createEvent', { venueId, chartId, ...eventFields() }, as(stranger)),
    ];
    for (const attempt of tries) await expect(attempt).rejects.toMatchObject({ code: 'not-found' });
    const mine = await call(broker, 'catalogue.organizerEvents', {}, as(stranger));
    expect(mine.items).toEqual([]);
  });

  it('names what does not fit the chart or the calendar', async () => {
    const { venue, chart } = await draftEvent(broker, caller);
    const create = (changes: object) =>
      call(
        broker,
        'catalogue.createEvent',
        { venueId: venue.venueId, chartId: chart.chartId, ...eventFields(), ...changes },
        as(caller),
      );
    await expect(create({ prices: [{ category: 'Z', amount: 1 }] })).rejects.toMatchObject({
      code: 'invalid-request',
      data: {
        errors: [
          { path: 'prices.0', message: 'the chart has no category "Z"' },
          { path: 'prices', message: 'category "A" has no price' },
          { path: 'prices', message: 'category "B" has no price' },
        ],
      },
    });
    await expect(create({ zone: 'Europe/Atlantis' })).rejects.toMatchObject({
      data: { errors: [{ path: 'zone' }] },
    });
    await expect(create({ endsAt: inDays(1) })).rejects.toMatchObject({
      data: { errors: [{ path: 'endsAt' }] },
    });
    const plan = { planId: 'a', parts: 3, firstBasisPoints: 4_000, everyDays: 5 };
    const late = { ...plan, lastDueDaysBefore: 1 };
    await expect(create({ instalmentPlans: [plan, late] })).rejects.toMatchObject({
      data: {
        errors: [
          { path: 'instalmentPlans.1.planId' },
          { path: 'instalmentPlans.1.lastDueDaysBefore' },
        ],
      },
    });
    await expect(create({ currency: 'ZZZ' })).rejects.toMatchObject({
      data: { errors: [{ path: 'currency' }] },
    });
  });

  it('keeps the order of changes when the seats fail, and counts each once', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    seats.script.push('unavailable', 'outcome-unknown', 'version-gap');
    const running = [
      call(broker, 'catalogue.publish', { eventId }, { ...as(caller), timeout: 20_000 }),
    ];
    await Promise.all(running);
    await call(broker, 'catalogue.pause', { eventId }, as(caller));
    await call(broker, 'catalogue.block', { eventId, seats: ['Stalls-1-1'] }, as(caller));
    await call(broker, 'catalogue.resume', { eventId }, as(caller));
    await until(() => seats.taken.length === 4);
    expect(seats.taken).toEqual([1, 2, 3, 4]);
    const versions = seats.heard.map((command) => (command as { version?: number }).version ?? 0);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    const kinds = new Map(seats.heard.map((command) => [command.id, command.kind]));
    expect([...kinds.values()]).toEqual(['open', 'change-terms', 'block', 'change-terms']);
  }, 20_000);

  it('makes changes of many callers at once reach the seats without a gap', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    seats.delayMs = 5;
    const blocks = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) =>
        call(broker, 'catalogue.block', { eventId, seats: [`Stalls-1-${i + 1}`] }, as(caller)),
      ),
    );
    const done = blocks.filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeGreaterThan(0);
    await until(() => seats.taken.length === done + 1);
    expect(seats.taken).toEqual(Array.from({ length: done + 1 }, (_, i) => i + 1));
  });

  it('answers 202 while the seats are silent and sends the change after a restart', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    seats.script.push(...Array.from({ length: 50 }, () => 'unavailable'));
    const calling = broker.call(
      'catalogue.publish',
      { eventId },
      { ...as(caller), timeout: 5_000 },
    ) as Promise<unknown> & { ctx: { meta: unknown } };
    expect(await calling).toMatchObject({ pending: true, inventory: { sent: 1, applied: 0 } });
    expect(replyOf(calling.ctx.meta, 'catalogue.publish')).toMatchObject({ status: 202 });
    await broker.stop();
    seats = new FakeSeats();
    broker = await startCatalogue(database.uri, seats);
    await until(async () => {
      const now = await call(broker, 'catalogue.organizerEvent', { eventId }, as(caller));
      return now.inventory.applied === 1;
    });
    expect(seats.taken).toEqual([1]);
  }, 30_000);

  it('names the seats a block had to skip', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    const blocked = await call(
      broker,
      'catalogue.block',
      { eventId, seats: ['Stalls-1-1', 'Stalls-1-2'] },
      as(caller),
    );
    expect(blocked).toEqual({ eventId, pending: false, skipped: ['Stalls-1-2'] });
  });

  it('tells the seats of new prices, and of nothing when only texts change', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    const { version } = await call(broker, 'catalogue.publish', { eventId }, as(caller));
    const renamed = await call(
      broker,
      'catalogue.patchEvent',
      { eventId, version, title: 'Renamed' },
      as(caller),
    );
    expect(renamed.inventory).toEqual({ sent: 1, applied: 1 });
    expect(renamed.channels).toEqual(['public', 'box-office']);
    const prices = [
      { category: 'A', amount: 6_000 },
      { category: 'B', amount: 3_000 },
    ];
    const priced = await call(
      broker,
      'catalogue.patchEvent',
      { eventId, version: renamed.version, prices },
      as(caller),
    );
    expect(priced.inventory).toEqual({ sent: 2, applied: 2 });
    const last = seats.heard.at(-1);
    expect(last).toMatchObject({ kind: 'change-terms', terms: { prices: { A: 6_000 } } });
    const instalmentPlans = [{ planId: 'a', parts: 2, firstBasisPoints: 5_000, everyDays: 5 }];
    const counterOnly = await call(
      broker,
      'catalogue.patchEvent',
      { eventId, version: priced.version, channels: ['box-office'], instalmentPlans },
      as(caller),
    );
    expect(counterOnly.inventory).toEqual({ sent: 3, applied: 3 });
    expect(seats.heard.at(-1)).toMatchObject({ terms: { channels: ['box-office'] } });
    const shown = await call(broker, 'catalogue.event', { eventId });
    expect(shown.instalmentPlans).toMatchObject([{ planId: 'a', retryAfterDays: [3, 4], fee: 0 }]);
  });

  it('refuses moves the state forbids, and stops the sale when an event is cancelled', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await expect(call(broker, 'catalogue.pause', { eventId }, as(caller))).rejects.toMatchObject({
      code: 'state-forbids',
    });
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    await call(broker, 'catalogue.cancel', { eventId }, as(caller));
    expect(seats.heard.at(-1)).toMatchObject({ terms: { sale: { status: 'cancelled' } } });
    await expect(call(broker, 'catalogue.resume', { eventId }, as(caller))).rejects.toMatchObject({
      code: 'state-forbids',
    });
    const { saleState } = await call(broker, 'catalogue.event', { eventId });
    expect(saleState).toBe('cancelled');
  });

  it('gives the same venue for a repeated key', async () => {
    const meta = as(caller, { idempotencyKey: 'one-venue' });
    const first = await call(broker, 'venues.create', venueFields, meta);
    const again = await call(broker, 'venues.create', venueFields, meta);
    expect(again).toEqual(first);
    await expect(
      call(broker, 'venues.create', { ...venueFields, name: 'Other' }, meta),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' });
  });

  it('finds venues by city without case and accents, and by zip code', async () => {
    const fields = { ...venueFields, name: 'Ópera', city: 'Málaga', zip: '29001' };
    const { venueId } = await call(broker, 'venues.create', fields, as(caller));
    const byCity = await call(broker, 'venues.search', { city: 'MALAGA' });
    expect(byCity.items.map((venue) => venue.venueId)).toEqual([venueId]);
    const byZip = await call(broker, 'venues.search', { zip: '29001' });
    expect(byZip.items.map((venue) => venue.venueId)).toEqual([venueId]);
    const blank = await call(broker, 'venues.search', { city: '', zip: ' ' });
    expect(blank.items.length).toBeGreaterThan(1);
  });

  it("pages a venue's events without loss or repeat", async () => {
    const { venue, chart } = await draftEvent(broker, caller);
    const { venueId } = venue;
    const made = [];
    for (let i = 0; i < 5; i++) {
      const times = { startsAt: inDays(10), endsAt: inDays(11) };
      const params = { venueId, chartId: chart.chartId, ...eventFields(), ...times };
      const { eventId } = await call(broker, 'catalogue.createEvent', params, as(caller));
      await call(broker, 'catalogue.publish', { eventId }, as(caller));
      made.push(eventId);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const params = { venueId, limit: 2, ...(cursor === undefined ? {} : { cursor }) };
      const page = await call(broker, 'catalogue.eventsOfVenue', params);
      seen.push(...page.items.map((item) => item.eventId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(made.toSorted());
    await expect(
      call(broker, 'catalogue.eventsOfVenue', { venueId, cursor: 'bm9uc2Vuc2U' }),
    ).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('keeps versions of a chart, and gives each back as it came', async () => {
    const { chart } = await draftEvent(broker, caller);
    const { chartId } = chart;
    const text = `${hall}section Circle cat=A\nrow 1 1-5\n`;
    const revised = await call(broker, 'charts.revise', { chartId, version: 1, text }, as(caller));
    expect(revised).toMatchObject({ version: 2, places: 55 });
    await expect(
      call(broker, 'charts.revise', { chartId, version: 1, text }, as(caller)),
    ).rejects.toMatchObject({ code: 'stale-version' });
    const first = await call(broker, 'charts.exportText', { chartId, version: 1 }, as(caller));
    expect(first.lost).toEqual([]);
    expect(first.text).toContain('area Standing cat=B capacity=30');
    expect(first.text).not.toContain('Circle');
    const plan = await call(broker, 'charts.exportPlan', { chartId, version: 2 }, as(caller));
    const additions = await call(
      broker,
      'charts.exportAdditions',
      { chartId, version: 2 },
      as(caller),
    );
    const { venueId } = chart;
    const copy = await call(
      broker,
      'charts.import',
      { venueId, plan: plan as never, additions },
      as(caller),
    );
    expect(copy.places).toBe(55);
  });

  it('draws an event: seats in index order, areas behind them', async () => {
    const { event } = await draftEvent(broker, caller);
    const { eventId } = event;
    await call(broker, 'catalogue.publish', { eventId }, as(caller));
    const geometry = JSON.parse(await call(broker, 'charts.geometry', { eventId, version: 1 }));
    expect(geometry.seats).toHaveLength(20);
    expect(geometry.seats[0]).toMatchObject({ id: 'Stalls-1-1', row: '1', category: 'A' });
    expect(geometry.areas).toMatchObject([{ id: 'Standing', first: 20, count: 30 }]);
    await expect(call(broker, 'charts.geometry', { eventId, version: 2 })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = systemClock.monotonic() + 15_000;
  while (!(await holds())) {
    if (systemClock.monotonic() > end) throw new Error('it did not happen within 15 s');
    await systemClock.sleep(50);
  }
}

import type { Service, ServiceSchema } from 'moleculer';
import type { IndexDescription } from 'mongodb';
import type { Cancel } from '#adapters/clock/port.ts';
import { MongoEventChanges } from '#adapters/store/event-changes.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { PriceChanges } from '#adapters/store/price-changes.ts';
import { call } from '#broker/call.ts';
import { catalogueContract } from '#contracts/catalogue.contract.ts';
import { codeOf } from '#domain/errors.ts';
import { EventChangesFlow } from '#flows/event-changes.flow.ts';
import { repeated } from '#flows/repeated.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { EventEditor } from '#services/catalogue/event-editor.ts';
import { noticesFlow } from '#services/catalogue/notices.ts';
import * as organizer from '#services/catalogue/organizer-events.ts';
import type { CatalogueParts } from '#services/catalogue/parts.ts';
import { postponeEvent } from '#services/catalogue/postponing.ts';
import * as open from '#services/catalogue/public-events.ts';
import { priceHistory, reprice } from '#services/catalogue/repricing.ts';
import { SeatCounts } from '#services/catalogue/seat-counts.ts';
import { SoldShares } from '#services/catalogue/sold-shares.ts';

type Self = Service & WithOnce & WithInventory;

const indexes: IndexDescription[] = [
  { key: { organizerId: 1, _id: -1 } },
  { key: { venueId: 1, startsAt: 1, _id: 1 } },
  { key: { startsAt: 1, _id: 1 } },
  { key: { changesDueAt: 1 }, sparse: true },
  { key: { actsWaiting: 1 }, sparse: true },
  { key: { noticesDueAt: 1 }, sparse: true },
  { key: { status: 1, _id: 1 }, partialFilterExpression: { 'pricing.0': { $exists: true } } },
];

/**
 * Events: the only writer of the collection `events`. Whatever their seats must hear of is written
 * with its cause and sent in order, here and by a sweep that goes on after a crash.
 */
export function createCatalogueService(runtime: Runtime): ServiceSchema {
  const { config } = runtime;
  const adapter = new MoleculerDbAdapter<EventRow>(config.mongodbUri, 'events', indexes);
  let events = adapter;
  let parts: CatalogueParts;
  let stopSweeping: Cancel = () => undefined;

  return {
    name: catalogueContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        events = bound;
      }),
      idempotencyMixin(runtime),
      inventoryClientMixin(runtime),
    ],
    actions: {
      event: (ctx) => open.showEvent(parts, ctx),
      currentChart: (ctx) => open.currentChart(parts, ctx),
      eventsOfVenue: (ctx) => open.eventsOfVenue(parts, ctx),
      brief: (ctx) => open.brief(parts, ctx),
      chartOf: (ctx) => open.chartOf(parts, ctx),
      createEvent: (ctx) => organizer.createEvent(parts, ctx),
      patchEvent: (ctx) => organizer.patchEvent(parts, ctx),
      organizerEvent: (ctx) => organizer.organizerEvent(parts, ctx),
      organizerEvents: (ctx) => organizer.organizerEvents(parts, ctx),
      publish: (ctx) => organizer.moveEvent(parts, ctx, 'publish'),
      pause: (ctx) => organizer.moveEvent(parts, ctx, 'pause'),
      resume: (ctx) => organizer.moveEvent(parts, ctx, 'resume'),
      cancel: (ctx) => organizer.moveEvent(parts, ctx, 'cancel'),
      postpone: (ctx) => postponeEvent(parts, ctx),
      block: (ctx) => organizer.blockSeats(parts, ctx, 'block'),
      unblock: (ctx) => organizer.blockSeats(parts, ctx, 'unblock'),
      priceHistory: (ctx) => priceHistory(parts, ctx),
      reprice: (ctx) => reprice(parts, ctx),
    },

    async started(this: Service) {
      const { broker, logger } = this;
      parts = await partsOf(this as Self, runtime, events);
      const notices = noticesFlow(broker, runtime, events.db);
      stopSweeping = repeated(runtime, config.limits.dueSweepEveryMs, async () => {
        await parts.changes.sweep().catch((error) => logger.warn('sweep of changes failed', error));
        await notices.sweep().catch((error) => logger.warn('sweep of notices failed', error));
      });
    },

    async stopped() {
      stopSweeping();
    },
  };
}

/** What the actions work with. */
async function partsOf(
  { broker, inventory, logger, once }: Self,
  runtime: Runtime,
  events: MoleculerDbAdapter<EventRow>,
): Promise<CatalogueParts> {
  const { clock, config } = runtime;
  const layout = async (chartId: string, version: number) =>
    (await call(broker, 'charts.layout', { chartId, version })).layout;
  const view = (eventId: string) =>
    inventory.view(eventId, clock.now() + config.limits.callTimeoutMs);
  const changes = new EventChangesFlow({
    changes: new MongoEventChanges(events.db),
    inventory,
    clock,
    limits: config.limits,
    layout,
    failed: (eventId, { kind, version }, error) => {
      const code = codeOf(error) ?? String(error);
      logger.warn('a change has not reached the seats', { eventId, kind, version, code });
    },
  });
  const priceChanges = new PriceChanges(events.db);
  await priceChanges.prepare();
  return {
    runtime,
    events,
    editor: new EventEditor(events, priceChanges, () => clock.now()),
    priceChanges,
    changes,
    shares: new SoldShares(view, layout),
    counts: new SeatCounts((eventId, until) => inventory.view(eventId, until), clock),
    once,
  };
}

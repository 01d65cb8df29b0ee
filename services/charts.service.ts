import type { Service, ServiceSchema } from 'moleculer';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { chartsContract } from '#contracts/charts.contract.ts';
import { additionsOf, toPretix } from '#domain/chart-pretix.ts';
import { chartToText } from '#domain/chart-text-export.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { type ChartRow, ChartShelf } from '#services/charts/chart-shelf.ts';

/**
 * Seating charts: the only writer of `charts` and `chart_versions`. A chart is larger than a
 * message between nodes may be, so the service runs on gateway nodes (uploads, geometry, exports)
 * and on core nodes (layouts for terms), each with the database behind it.
 */
export function createChartsService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const adapter = new MoleculerDbAdapter<ChartRow>(config.mongodbUri, 'charts', [
    { key: { organizerId: 1, _id: 1 } },
    { key: { venueId: 1, _id: 1 } },
  ]);
  let charts = adapter;
  let shelf: ChartShelf;

  return {
    name: chartsContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        charts = bound;
      }),
      idempotencyMixin(runtime),
    ],
    actions: {
      import: (ctx) => shelf.import(ctx),
      revise: (ctx) => shelf.revise(ctx),
      list: (ctx) => shelf.list(ctx),
      read: (ctx) => shelf.read(ctx),
      exportPlan: async (ctx) => toPretix(await shelf.chart(ctx)),
      exportAdditions: async (ctx) => additionsOf(await shelf.chart(ctx)),
      exportText: async (ctx) => chartToText(await shelf.chart(ctx)),
      geometry: (ctx) => shelf.geometry(ctx),
      layout: (ctx) => shelf.layout(ctx),
    },

    async started(this: Service) {
      const { once } = this as Service & WithOnce;
      shelf = new ChartShelf({ charts, once, clock });
    },
  };
}

import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { type ChartVersion, ChartVersions } from '#adapters/store/chart-versions.ts';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { Lru } from '#broker/lru.ts';
import { chartsContract } from '#contracts/charts.contract.ts';
import { geometryOf } from '#domain/chart-geometry.ts';
import { layoutOf } from '#domain/chart-layout.ts';
import { additionsOf, toPretix } from '#domain/chart-pretix.ts';
import { readChart, summaryOf } from '#domain/chart-source.ts';
import { chartToText } from '#domain/chart-text-export.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { packLayout } from '#domain/layout.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof chartsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Summary = z.output<Actions['read']['result']>;

/** A chart without its places; times epoch ms. `version` is the newest in `chart_versions`. */
type ChartRow = Omit<Summary, 'chartId' | 'createdAt' | 'updatedAt'> & {
  readonly _id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Immutable answers kept ready, as text: a stadium's is some megabytes. */
const geometriesKept = 8;

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
  const geometries = new Lru<string>(geometriesKept);
  let charts = adapter;
  let once: WithOnce['once'];
  const versions = (): ChartVersions => new ChartVersions(charts.db);

  /** The chart's row and one of its versions, for whom it belongs to. */
  const ownedChart = async (ctx: Ctx<'exportPlan'>) => {
    const { chartId, version } = ctx.params;
    owned(ctx, await charts.findById(chartId));
    return versions().chart(chartId, version);
  };

  const versionOf = (chartId: string, version: number, params: Source) => {
    const { chart, warnings } = readChart(params);
    const layout = packLayout(layoutOf(chart));
    const { name, seats, areas, categories, places } = summaryOf(chart);
    const stored: ChartVersion = { chartId, version, chart, layout, places };
    return { stored, warnings, summary: { name, seats, areas, categories, places } };
  };

  return {
    name: chartsContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        charts = bound;
      }),
      idempotencyMixin(runtime),
    ],
    actions: {
      import: (ctx: Ctx<'import'>) =>
        once(ctx, 'charts.import', ctx.params, async ({ ulid }) => {
          const { venueId } = ctx.params;
          const { organizerId } = await call(ctx, 'venues.read', { venueId });
          const chartId = makeId('chart', ulid);
          const { stored, warnings, summary } = versionOf(chartId, 1, ctx.params);
          const there = await charts.findById(chartId);
          if (there !== null) return { ...viewOf(there), warnings: [...warnings] };
          const now = clock.now();
          const own = { _id: chartId, organizerId, venueId, version: 1 };
          const row: ChartRow = { ...own, ...summary, createdAt: now, updatedAt: now };
          await versions().add(stored, now, (session) => charts.rows.insertOne(row, { session }));
          return { ...viewOf(row), warnings: [...warnings] };
        }),

      revise: async (ctx: Ctx<'revise'>) => {
        const { chartId, version } = ctx.params;
        owned(ctx, await charts.findById(chartId));
        const { stored, warnings, summary } = versionOf(chartId, version + 1, ctx.params);
        const now = clock.now();
        const set = { ...summary, updatedAt: now };
        const row = await versions().add(stored, now, (session) =>
          charts.updateVersioned(chartId, version, { set }, session),
        );
        return { ...viewOf(row), warnings };
      },

      list: async (ctx: Ctx<'list'>) => {
        const { venueId, ...page } = ctx.params;
        const filter = { ...ownedFilter(ctx), ...(venueId === undefined ? {} : { venueId }) };
        const { items, nextCursor } = await charts.page({ filter, by: '_id', ...page });
        return { items: items.map(viewOf), nextCursor };
      },

      read: async (ctx: Ctx<'read'>): Promise<Summary> =>
        viewOf(owned(ctx, await charts.findById(ctx.params.chartId))),

      exportPlan: async (ctx: Ctx<'exportPlan'>) => toPretix(await ownedChart(ctx)),
      exportAdditions: async (ctx: Ctx<'exportAdditions'>) => additionsOf(await ownedChart(ctx)),
      exportText: async (ctx: Ctx<'exportText'>) => chartToText(await ownedChart(ctx)),

      geometry: async (ctx: Ctx<'geometry'>): Promise<string> => {
        const { eventId, version } = ctx.params;
        const { chartId, chartVersion } = await call(ctx, 'catalogue.chartOf', {
          eventId,
          version,
        });
        const key = `${chartId}:${chartVersion}`;
        const known = geometries.get(key);
        if (known !== undefined) return known;
        const chart = await versions().chart(chartId, chartVersion);
        const text = JSON.stringify(geometryOf(chart, chartVersion));
        geometries.set(key, text);
        return text;
      },

      layout: async ({ params }: Ctx<'layout'>) => {
        const { chartId, version } = params;
        const row = await charts.findById(chartId);
        if (row === null) throw new UsherError('not-found');
        const { layout, places } = await versions().layout(chartId, version);
        const chart =
          version === row.version ? row : summaryOf(await versions().chart(chartId, version));
        const { organizerId, venueId } = row;
        return { layout, places, organizerId, venueId, categories: [...chart.categories] };
      },
    },

    async started(this: Service) {
      once = (this as Service & WithOnce).once;
    },
  };
}

type Source = Parameters<typeof readChart>[0];

function viewOf({ _id: chartId, createdAt, updatedAt, ...rest }: ChartRow): Summary {
  return {
    chartId,
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

import type { z } from 'zod';
import { ChartVersions } from '#adapters/store/chart-versions.ts';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { call, type UsherContext } from '#broker/call.ts';
import type { chartsContract } from '#contracts/charts.contract.ts';
import type { Chart } from '#domain/chart.ts';
import { geometryOf } from '#domain/chart-geometry.ts';
import { type ChartSource, readChart, summaryOf } from '#domain/chart-source.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { Lru } from '#domain/lru.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof chartsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
export type Summary = z.output<Actions['read']['result']>;
type Imported = z.output<Actions['import']['result']>;

/** A chart without its places; times epoch ms. `version` is the newest in `chart_versions`. */
export type ChartRow = Omit<Summary, 'chartId' | 'createdAt' | 'updatedAt'> & {
  readonly _id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Immutable answers kept ready, as text: a stadium's is some megabytes. */
const geometriesKept = 8;

export type ShelfPorts = {
  readonly charts: MoleculerDbAdapter<ChartRow>;
  readonly once: WithOnce['once'];
  readonly clock: Runtime['clock'];
};

/** The charts with their versions, for whom they belong to; geometry for everybody. */
export class ChartShelf {
  readonly #charts: MoleculerDbAdapter<ChartRow>;
  readonly #versions: ChartVersions;
  readonly #ports: ShelfPorts;
  readonly #geometries = new Lru<string>(geometriesKept);

  constructor(ports: ShelfPorts) {
    this.#ports = ports;
    this.#charts = ports.charts;
    this.#versions = new ChartVersions(ports.charts.db);
  }

  import(ctx: Ctx<'import'>): Promise<Imported> {
    return this.#ports.once(ctx, 'charts.import', ctx.params, async ({ ulid }) => {
      const { venueId } = ctx.params;
      const { organizerId } = await call(ctx, 'venues.read', { venueId });
      const _id = makeId('chart', ulid);
      const { stored, warnings, summary } = versionOf(_id, 1, ctx.params);
      // A run that was cut off after its write has left the chart.
      const there = await this.#charts.findById(_id);
      if (there !== null) return { ...viewOf(there), warnings };
      const now = this.#ports.clock.now();
      const times = { createdAt: now, updatedAt: now };
      const row: ChartRow = { _id, organizerId, venueId, version: 1, ...summary, ...times };
      await this.#versions.add(stored, now, (session) =>
        this.#charts.rows.insertOne(row, { session }),
      );
      return { ...viewOf(row), warnings };
    });
  }

  async revise(ctx: Ctx<'revise'>): Promise<Imported> {
    const { chartId, version } = ctx.params;
    owned(ctx, await this.#charts.findById(chartId));
    const { stored, warnings, summary } = versionOf(chartId, version + 1, ctx.params);
    const now = this.#ports.clock.now();
    const set = { ...summary, updatedAt: now };
    const row = await this.#versions.add(stored, now, (session) =>
      this.#charts.updateVersioned(chartId, version, { set }, session),
    );
    return { ...viewOf(row), warnings };
  }

  async list(ctx: Ctx<'list'>) {
    const { venueId, ...page } = ctx.params;
    const filter = { ...ownedFilter(ctx), ...(venueId === undefined ? {} : { venueId }) };
    const { items, nextCursor } = await this.#charts.page({ filter, by: '_id', ...page });
    return { items: items.map(viewOf), nextCursor };
  }

  async read(ctx: Ctx<'read'>): Promise<Summary> {
    return viewOf(owned(ctx, await this.#charts.findById(ctx.params.chartId)));
  }

  /** A version of one of the caller's charts. */
  async chart(ctx: Ctx<'exportPlan'>): Promise<Chart> {
    const { chartId, version } = ctx.params;
    owned(ctx, await this.#charts.findById(chartId));
    return this.#versions.chart(chartId, version);
  }

  async geometry(ctx: Ctx<'geometry'>): Promise<string> {
    const { chartId, chartVersion } = await call(ctx, 'catalogue.chartOf', ctx.params);
    const key = `${chartId}:${chartVersion}`;
    const known = this.#geometries.get(key);
    if (known !== undefined) return known;
    const chart = await this.#versions.chart(chartId, chartVersion);
    const text = JSON.stringify(geometryOf(chart, chartVersion));
    this.#geometries.set(key, text);
    return text;
  }

  async layout({ params }: Ctx<'layout'>) {
    const { chartId, version } = params;
    const row = await this.#charts.findById(chartId);
    if (row === null) throw new UsherError('not-found');
    const { layout, places } = await this.#versions.layout(chartId, version);
    const newest = version === row.version;
    const of = newest ? row : summaryOf(await this.#versions.chart(chartId, version));
    const { organizerId, venueId } = row;
    return { layout, places, organizerId, venueId, categories: [...of.categories] };
  }
}

/** Reads and checks a source, and makes the version of it. Throws `invalid-chart`. */
function versionOf(chartId: string, version: number, source: ChartSource) {
  const { chart, layout, warnings } = readChart(source);
  const summary = summaryOf(chart);
  const { places } = summary;
  return { stored: { chartId, version, chart, layout, places }, warnings: [...warnings], summary };
}

function viewOf({ _id: chartId, createdAt, updatedAt, ...rest }: ChartRow): Summary {
  return {
    chartId,
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}

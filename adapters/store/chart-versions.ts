import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Binary, type ClientSession, type Db } from 'mongodb';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { transactionOptions } from '#adapters/store/mongo.ts';
import type { Chart } from '#domain/chart.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A compressed chart must fit one document, with room for the packed layout beside it. */
const compressedBytesMax = 14_000_000;
/** A chart in JSON; what comes in is bounded by `limits.chartBodyBytesMax`. */
const unpackedBytesMax = 100_000_000;

/** One version of a chart as it is stored; never changed, never removed. */
export type ChartVersion = {
  readonly chartId: string;
  readonly version: number;
  readonly chart: Chart;
  /** `packLayout(layoutOf(chart))` */
  readonly layout: string;
  readonly places: number;
};

type Row = {
  readonly _id: string;
  readonly chartId: string;
  readonly version: number;
  /** The chart's JSON, gzipped. */
  readonly chart: Binary;
  readonly layout: string;
  readonly places: number;
  /** Epoch ms. */
  readonly createdAt: number;
};

const keyOf = (chartId: string, version: number): string => `${chartId}:${version}`;
const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/** Versions of charts in MongoDB, written together with the chart's own row. */
export class ChartVersions {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /**
   * Stores a version and, in the same transaction, what `alongside` writes (the chart's row).
   * `alongside` may run several times. Rejects with `stale-version` when the version exists,
   * `body-too-large` when it does not fit one document.
   */
  async add<T>(
    version: ChartVersion,
    createdAt: number,
    alongside: (session: ClientSession) => Promise<T>,
  ): Promise<T> {
    const { chartId, version: number, chart, layout, places } = version;
    const bytes = await compress(JSON.stringify(chart));
    if (bytes.length > compressedBytesMax) {
      throw new UsherError('body-too-large', 'The chart does not fit one document');
    }
    const row: Row = {
      _id: keyOf(chartId, number),
      chartId,
      version: number,
      chart: new Binary(bytes),
      layout,
      places,
      createdAt,
    };
    try {
      return await stored(() =>
        this.#db.client.withSession((session) =>
          session.withTransaction(async () => {
            const result = await alongside(session);
            await this.#rows.insertOne(row, { session });
            return result;
          }, transactionOptions),
        ),
      );
    } catch (error) {
      if (isDuplicateKey(error)) throw new UsherError('stale-version');
      throw error;
    }
  }

  /** The chart of a version. Rejects with `not-found`. */
  async chart(chartId: string, version: number): Promise<Chart> {
    const row = await this.#find(chartId, version, { chart: 1 });
    const text = await decompress(row.chart.buffer, { maxOutputLength: unpackedBytesMax });
    return JSON.parse(text.toString()) as Chart;
  }

  /** The packed layout of a version. Rejects with `not-found`. */
  async layout(chartId: string, version: number): Promise<Pick<Row, 'layout' | 'places'>> {
    return this.#find(chartId, version, { layout: 1, places: 1 });
  }

  get #rows() {
    return this.#db.collection<Row>('chart_versions');
  }

  async #find(chartId: string, version: number, projection: Record<string, 1>): Promise<Row> {
    const options = { projection, ...bounded };
    const row = await stored(() => this.#rows.findOne({ _id: keyOf(chartId, version) }, options));
    if (row === null) throw new UsherError('not-found');
    return row;
  }
}

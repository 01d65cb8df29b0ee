import type { ClientSession, Collection, Db } from 'mongodb';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { stored } from '#adapters/store/failures.ts';
import type { PriceMove } from '#domain/dynamic-pricing.ts';
import { limits } from '#domain/limits.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Prices of an event that changed with one write of it. */
export type PriceChange = {
  readonly eventId: string;
  /** The version that the event had after it. */
  readonly version: number;
  readonly at: number;
  /** A user, or `system`. */
  readonly actor: string;
  readonly currency: string;
  readonly moves: readonly PriceMove[];
};

type PriceChangeRow = PriceChange & { readonly _id: string };

/** What became of events' prices; written in the transaction that changes the event. */
export class PriceChanges {
  readonly #rows: Collection<PriceChangeRow>;

  constructor(db: Db) {
    this.#rows = db.collection('price_changes');
  }

  async prepare(): Promise<void> {
    await stored(() => this.#rows.createIndex({ eventId: 1, version: -1 }));
  }

  async add(change: PriceChange, session: ClientSession): Promise<void> {
    const _id = `${change.eventId}:${change.version}`;
    await this.#rows.insertOne({ _id, ...change }, { session });
  }

  /** Newest first. */
  async page(eventId: string, limit: number, cursor: string | undefined) {
    const before =
      cursor === undefined ? {} : { version: { $lt: Number(decodeCursor(cursor, 1)[0]) } };
    const query = this.#rows
      .find({ eventId, ...before }, bounded)
      .sort({ version: -1 })
      .limit(limit + 1);
    const found = await stored(() => query.toArray());
    const { items, nextCursor } = pageOf(found, limit, ({ version }) => [version]);
    return { items: items.map(({ _id, ...change }): PriceChange => change), nextCursor };
  }
}

import type { DbAdapter } from 'moleculer-db';
import type {
  ClientSession,
  Collection,
  Db,
  Filter,
  IndexDescription,
  MatchKeysAndValues,
  OptionalUnlessRequiredId,
  Sort,
  UpdateFilter,
} from 'mongodb';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

/** What every collection of the catalogue has: an id and a version that each change raises. */
export type Versioned = { readonly _id: string; readonly version: number };

type Filters = {
  readonly limit?: string | number | null;
  readonly offset?: string | number | null;
  readonly sort?: string | string[];
  readonly query?: object;
};

const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/** `-startsAt` → `[startsAt, -1]`, as moleculer-db spells an order. */
const sortOf = (sort: string | string[] | undefined): Sort =>
  [sort ?? []]
    .flat()
    .map(
      (field) => (field.startsWith('-') ? [field.slice(1), -1] : [field, 1]) as [string, 1 | -1],
    );

export type PageQuery<T> = {
  readonly filter: Filter<T>;
  /** Sorts by this field, then by id; rows have text or a number in it. */
  readonly by: keyof T & string;
  readonly descending?: boolean;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

/**
 * One MongoDB collection as moleculer-db wants an adapter (driver 7; the published adapters are
 * pinned to older ones), and two things it does not know: updates that are refused when the row
 * has changed meanwhile, and pages by cursor.
 *
 * moleculer-db clones the object deeply before it connects it: there is no connection, and no
 * `#private` field, before `connect`.
 */
export class MoleculerDbAdapter<T extends Versioned> implements Omit<DbAdapter, 'createCursor'> {
  private readonly uri: string;
  private readonly name: string;
  private readonly indexes: readonly IndexDescription[];
  private opened: { readonly db: Db; readonly rows: Collection<T> } | undefined;

  constructor(uri: string, name: string, indexes: readonly IndexDescription[] = []) {
    this.uri = uri;
    this.name = name;
    this.indexes = indexes;
  }

  init(): void {}

  async connect(): Promise<void> {
    const db = await acquireMongo(this.uri);
    this.opened = { db, rows: db.collection<T>(this.name) };
    if (this.indexes.length > 0) await this.rows.createIndexes([...this.indexes]);
  }

  async disconnect(): Promise<void> {
    if (this.opened === undefined) return;
    this.opened = undefined;
    await releaseMongo(this.uri);
  }

  /** Throws `unavailable` before `connect` and after `disconnect`. */
  get db(): Db {
    if (this.opened === undefined) throw new UsherError('unavailable', 'not connected');
    return this.opened.db;
  }

  get rows(): Collection<T> {
    if (this.opened === undefined) throw new UsherError('unavailable', 'not connected');
    return this.opened.rows;
  }

  find({ limit, offset, sort, query }: Filters): Promise<T[]> {
    const options = { limit: Number(limit ?? 0), skip: Number(offset ?? 0), sort: sortOf(sort) };
    return stored(() =>
      this.rows.find(query ?? {}, { ...options, ...bounded }).toArray(),
    ) as Promise<T[]>;
  }

  findOne(query: object): Promise<T> {
    return stored(() => this.rows.findOne(query, bounded)) as Promise<T>;
  }

  findById(id: string): Promise<T> {
    return this.findOne({ _id: id });
  }

  findByIds(ids: readonly (string | number)[]): Promise<T[]> {
    return this.find({ query: { _id: { $in: ids } } });
  }

  count({ query }: Filters = {}): Promise<number> {
    return stored(() => this.rows.countDocuments(query ?? {}, bounded));
  }

  async insert(entity: object): Promise<T> {
    await stored(() => this.rows.insertOne(entity as OptionalUnlessRequiredId<T>));
    return entity as T;
  }

  /** Inserts a row whose id a repeated request makes again: then the first one is answered. */
  async insertOnce(row: T): Promise<T> {
    try {
      return await this.insert(row);
    } catch (error) {
      if (isDuplicateKey(error)) return this.findById(row._id);
      throw error;
    }
  }

  async insertMany(...entities: object[]): Promise<T[]> {
    const rows = entities.flat() as OptionalUnlessRequiredId<T>[];
    await stored(() => this.rows.insertMany(rows));
    return rows as unknown as T[];
  }

  async updateMany(query: object, update: object): Promise<number> {
    const done = await stored(() => this.rows.updateMany(query, update));
    return done.modifiedCount;
  }

  updateById(id: string | number, update: object): Promise<T> {
    const filter = { _id: id } as unknown as Filter<T>;
    const options = { returnDocument: 'after', ...bounded } as const;
    return stored(() => this.rows.findOneAndUpdate(filter, update, options)) as Promise<T>;
  }

  async removeMany(query: object): Promise<number> {
    return (await stored(() => this.rows.deleteMany(query))).deletedCount;
  }

  removeById(id: string | number): Promise<T | null> {
    const filter = { _id: id } as unknown as Filter<T>;
    return stored(() => this.rows.findOneAndDelete(filter, bounded)) as Promise<T | null>;
  }

  async clear(): Promise<void> {
    await this.removeMany({});
  }

  entityToObject(entity: T): T {
    return { ...entity };
  }

  /** Ids are our own texts and stand in `_id` everywhere. */
  beforeSaveTransformID(entity: T): T {
    return entity;
  }

  afterRetrieveTransformID(entity: T): T {
    return entity;
  }

  /**
   * Changes a row if it still has `version`, and raises that by one; answers it as it then is.
   * Rejects with `stale-version {version}` when it has another, `not-found` when it is gone.
   */
  async updateVersioned(
    id: string,
    version: number,
    update: { readonly set?: MatchKeysAndValues<T> } & Omit<UpdateFilter<T>, '$set'>,
    session?: ClientSession,
  ): Promise<T> {
    const { set, ...operators } = update;
    const filter = { _id: id, version } as unknown as Filter<T>;
    const change = {
      ...operators,
      $set: set ?? {},
      $inc: { ...operators.$inc, version: 1 },
    } as unknown as UpdateFilter<T>;
    const options = { returnDocument: 'after', ...(session ? { session } : bounded) } as const;
    // Inside a transaction its owner must see the driver's own errors to run it again.
    const run = session === undefined ? stored : <R>(operation: () => Promise<R>) => operation();
    const row = await run(() => this.rows.findOneAndUpdate(filter, change, options));
    if (row !== null) return row as T;
    const present = (await run(() =>
      this.rows.findOne({ _id: id } as unknown as Filter<T>, session ? { session } : bounded),
    )) as T | null;
    if (present === null) throw new UsherError('not-found');
    throw new UsherError('stale-version', undefined, { version: present.version });
  }

  /**
   * One page in the order of `by` and id, and the cursor of the next. The cursor names the last
   * row, so rows that are added or removed meanwhile shift nothing.
   */
  async page({ filter, by, descending = false, limit, cursor }: PageQuery<T>) {
    const direction = descending ? -1 : 1;
    const filters: object[] = [filter];
    if (cursor !== undefined) {
      const [value, id] = decodeCursor(cursor, 2);
      const beyond = descending ? '$lt' : '$gt';
      filters.push({
        $or: [{ [by]: { [beyond]: value } }, { [by]: value, _id: { [beyond]: id } }],
      });
    }
    const found = (await stored(() =>
      this.rows
        .find({ $and: filters } as Filter<T>, bounded)
        .sort({ [by]: direction, _id: direction })
        .limit(limit + 1)
        .toArray(),
    )) as T[];
    return pageOf(found, limit, (row) => [row[by] as string | number, row._id]);
  }
}

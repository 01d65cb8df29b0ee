import type { AnyBulkWriteOperation, Collection, Db, Filter, Sort } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { Doc } from '#adapters/payments/simulator/model.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';

const cachedMax = 50_000;
const evictedMax = 500_000;
/** Requests of one write, and requests that may wait for it. */
const groupMax = 300;
const waitingMax = 20_000;

/** Where the simulator keeps its objects. */
export type ObjectStore = Pick<SimulatorStore, keyof SimulatorStore>;

type Operations = readonly AnyBulkWriteOperation<Doc>[];

/**
 * The simulator's objects in one collection. What a request changes goes to the server in one
 * message together with the changes of the other requests of that moment, so a process that is
 * killed leaves a request either stored or not. Writes need one member's memory (`w: 1`): it is a
 * stand-in, and mongod outlives the process.
 */
export class SimulatorStore {
  readonly #clock: Clock;
  readonly #docs: Collection<Doc>;
  readonly #settings: Collection<{ readonly _id: string; readonly port: number }>;
  readonly #cache = new Map<string, Doc>();
  readonly #writes: GroupCommit<Operations>;
  /**
   * Ids that were put out of the cache. While it is known, what stands neither here nor there does
   * not exist, and a new idempotency key costs no look-up. Undefined once that is not certain: on a
   * database that was used before, or after very many objects.
   */
  #evicted: Set<string> | undefined;
  #asked = new Map<string, Promise<Doc | undefined>>();
  #asking: string[] = [];

  constructor(db: Db, clock: Clock) {
    this.#clock = clock;
    this.#docs = db.collection('stripe_simulator_objects', {
      writeConcern: { w: 1, journal: false },
      readConcern: { level: 'local' },
    });
    this.#settings = db.collection('stripe_simulator_settings');
    this.#writes = new GroupCommit({
      clock,
      groupMax,
      waitingMax,
      whenFull: () => new Error('Too many requests wait for the database'),
      write: async (groups) => {
        await this.#docs.bulkWrite(groups.flat(), { ordered: true });
      },
    });
  }

  /** To be called before the first request: this process writes alone from now on. */
  async prepare(): Promise<void> {
    const found = await this.#docs.findOne({}, { projection: { _id: 1 } });
    this.#evicted = found === null ? new Set() : undefined;
    await this.#docs.createIndexes([
      { key: { kind: 1, created: -1, _id: -1 } },
      {
        key: { 'body.payment_intent': 1 },
        partialFilterExpression: { 'body.payment_intent': { $exists: true } },
      },
      {
        key: { 'body.metadata.bookingId': 1 },
        partialFilterExpression: { 'body.metadata.bookingId': { $exists: true } },
      },
      { key: { dueAt: 1 }, partialFilterExpression: { dueAt: { $exists: true } } },
      {
        key: { expiresAt: 1 },
        expireAfterSeconds: 0,
        partialFilterExpression: { expiresAt: { $exists: true } },
      },
    ]);
  }

  /** Where the simulator of this database listened last. */
  async portBefore(): Promise<number | undefined> {
    return (await this.#settings.findOne({ _id: 'address' }))?.port;
  }

  async keepPort(port: number): Promise<void> {
    await this.#settings.updateOne({ _id: 'address' }, { $set: { port } }, { upsert: true });
  }

  /** The object of this id and kind, if there is one. Look-ups of one moment share a query. */
  async find<K extends Doc['kind']>(
    kind: K,
    id: string,
  ): Promise<Extract<Doc, { kind: K }> | undefined> {
    const doc = this.#cache.get(id) ?? (this.#isNew(kind, id) ? undefined : await this.#lookUp(id));
    return doc?.kind === kind ? (doc as Extract<Doc, { kind: K }>) : undefined;
  }

  async query<K extends Doc['kind']>(
    kind: K,
    filter: Filter<Doc>,
    options: { readonly limit: number; readonly sort?: Sort },
  ): Promise<Extract<Doc, { kind: K }>[]> {
    const { limit, sort = { created: -1, _id: -1 } } = options;
    const found = await this.#docs
      .find({ ...filter, kind } as Filter<Doc>)
      .sort(sort)
      .limit(limit)
      .toArray();
    return found as unknown as Extract<Doc, { kind: K }>[];
  }

  /** Stores the documents whole; resolves when the server has them all. */
  async put(docs: readonly Doc[]): Promise<void> {
    if (docs.length === 0) return;
    try {
      await this.#writes.add(docs.map((doc) => changeOf(this.#cache.get(doc._id), doc)));
    } catch (error) {
      for (const { _id } of docs) {
        this.#cache.delete(_id);
        this.#evicted?.add(_id);
      }
      throw error;
    }
    for (const doc of docs) if (doc.kind !== 'event') this.#remember(doc);
  }

  /** Notes what became of an event's delivery. */
  async patch(id: string, set: object, unset: Readonly<Record<string, ''>> = {}): Promise<void> {
    await this.#writes.add([
      { updateOne: { filter: { _id: id }, update: { $set: set, $unset: unset } } },
    ]);
  }

  /** Notes that these events were delivered at their last try. */
  async delivered(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#docs.updateMany(
      { _id: { $in: [...ids] } },
      { $set: { delivery: 'delivered' }, $inc: { tries: 1 }, $unset: { dueAt: '' } },
    );
  }

  #remember(doc: Doc): void {
    this.#cache.delete(doc._id);
    this.#cache.set(doc._id, doc);
    if (this.#cache.size <= cachedMax) return;
    const oldest = this.#cache.keys().next();
    if (oldest.done) return;
    this.#cache.delete(oldest.value);
    this.#evicted?.add(oldest.value);
    if (this.#evicted?.size === evictedMax) this.#evicted = undefined;
  }

  /** True when no such object was ever stored. Events are not cached: nothing is known of them. */
  #isNew(kind: Doc['kind'], id: string): boolean {
    return kind !== 'event' && this.#evicted !== undefined && !this.#evicted.has(id);
  }

  #lookUp(id: string): Promise<Doc | undefined> {
    const running = this.#asked.get(id);
    if (running !== undefined) return running;
    if (this.#asking.length === 0) this.#batch = this.#ask();
    this.#asking.push(id);
    const answer = this.#batch.then((found) => found.get(id));
    this.#asked.set(id, answer);
    return answer;
  }

  #batch: Promise<Map<string, Doc>> = Promise.resolve(new Map());

  async #ask(): Promise<Map<string, Doc>> {
    await this.#clock.tick();
    const ids = this.#asking;
    this.#asking = [];
    try {
      const found = await this.#docs.find({ _id: { $in: ids } }).toArray();
      return new Map(found.map((doc) => [doc._id, doc]));
    } finally {
      for (const id of ids) this.#asked.delete(id);
    }
  }
}

/** Writes of a document only what is not as it was before; whole where that is not known. */
function changeOf(before: Doc | undefined, doc: Doc): AnyBulkWriteOperation<Doc> {
  const { _id } = doc;
  if (before === undefined || !('body' in before) || !('body' in doc)) {
    return { replaceOne: { filter: { _id }, replacement: doc, upsert: true } };
  }
  const { body: was, ...rest } = before;
  const { body: is, ...fresh } = doc;
  const set = { ...changed(rest, fresh), ...changed(was, is, 'body.') };
  const gone = Object.keys(rest).filter((name) => !(name in fresh));
  const unset = Object.fromEntries(gone.map((name) => [name, '' as const]));
  // `_id` keeps the update from being empty.
  return { updateOne: { filter: { _id }, update: { $set: { _id, ...set }, $unset: unset } } };
}

/** The fields of `is` that are other values than in `was`: objects that changed are new ones. */
function changed(was: object, is: object, prefix = ''): Record<string, unknown> {
  const before = new Map<string, unknown>(Object.entries(was));
  const fresh = Object.entries(is).filter(([name, value]) => before.get(name) !== value);
  return Object.fromEntries(fresh.map(([name, value]) => [`${prefix}${name}`, value]));
}

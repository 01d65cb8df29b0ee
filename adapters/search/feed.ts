import type { ChangeStream, ChangeStreamDocument, Db, Document, ResumeToken } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { CatalogueMirror } from '#adapters/search/mirror.ts';
import type { SearchIndex } from '#adapters/search/port.ts';

const retryMs = 1_000;
/**
 * Between two looks at the stream. A look that waited for a change would be woken in the database
 * by every write of any collection: a fifth of what those writes cost it.
 */
const lookEveryMs = 250;

export type FeedPorts = {
  readonly db: Db;
  readonly index: SearchIndex;
  readonly clock: Clock;
  warn(message: string, error: unknown): void;
};

/**
 * Keeps an index in step with the database: everything once, then every committed change through
 * one change stream over `events`, `venues` and `inventories` (the directory's counts). The stream
 * is opened before everything is read, so nothing falls between. A stream that breaks goes on after
 * its last change; where the database has forgotten that, everything is read again.
 */
export class SearchFeed {
  readonly #ports: FeedPorts;
  readonly #mirror: CatalogueMirror;
  #stream: ChangeStream | undefined;
  #token: ResumeToken | undefined;
  #stopped = false;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(ports: FeedPorts) {
    this.#ports = ports;
    this.#mirror = new CatalogueMirror(ports.db, ports.index);
  }

  /** Resolves when the index holds everything. Rejects when that cannot be read now. */
  async start(): Promise<void> {
    await this.#open();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#stream?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch (error) {
        if (this.#stopped) return;
        await this.#reopen(error);
      }
    }
  }

  /** After a broken stream: goes on where it was; if that cannot be, reads everything. */
  async #reopen(reason: unknown): Promise<void> {
    const { clock, warn } = this.#ports;
    warn('the feed of the search index broke', reason);
    await this.#stream?.close().catch(() => undefined);
    await clock.sleep(retryMs);
    await this.#open().catch((error) => {
      this.#token = undefined;
      warn('the feed of the search index cannot go on', error);
    });
  }

  /** Opens the stream, after the last change seen; without one, reads everything too. */
  async #open(): Promise<void> {
    const resumed = this.#token;
    const collections = ['events', 'venues', 'inventories'];
    const stream = this.#ports.db.watch([{ $match: { 'ns.coll': { $in: collections } } }], {
      fullDocument: 'updateLookup',
      maxAwaitTimeMS: 1,
      ...(resumed === undefined ? {} : { resumeAfter: resumed }),
    });
    this.#stream = stream;
    // The server opens a stream at the first look: from here on no change is missed.
    const early = await stream.tryNext();
    if (resumed === undefined) await this.#mirror.load();
    if (early !== null) await this.#apply(early);
    this.#token = stream.resumeToken;
  }

  async #follow(): Promise<void> {
    const stream = this.#stream;
    while (!this.#stopped) {
      if (stream === undefined || stream.closed) throw new Error('the stream is closed');
      const change = await stream.tryNext();
      // The end of a stream: nothing comes behind it, and nothing is said of that.
      if (change?.operationType === 'invalidate') throw new Error('the stream has ended');
      if (change !== null) await this.#apply(change);
      this.#token = stream.resumeToken;
      if (change === null) await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#ports.clock.after(lookEveryMs, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }

  async #apply(change: ChangeStreamDocument<Document>): Promise<void> {
    if (!('documentKey' in change && 'ns' in change)) return;
    const id = String(change.documentKey._id);
    const row = 'fullDocument' in change ? change.fullDocument : undefined;
    await this.#mirror.apply((change.ns as { coll: string }).coll, id, row);
  }
}

import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { collections, type OutboxDocument } from '#adapters/store/booking-documents.ts';
import { stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { GroupTake, messageBounds } from '#adapters/store/group-take.ts';
import type { OutboxItem, OutboxStore } from '#adapters/store/outbox.port.ts';
import { limits } from '#domain/limits.ts';

type Ending = { readonly key: string; readonly doneAt: number };

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** The bookings' outbox in MongoDB; `MongoBookings.commit` writes into it. */
export class MongoOutbox implements OutboxStore {
  readonly #outbox: Collection<OutboxDocument>;
  readonly #takes: GroupTake<OutboxDocument>;
  readonly #endings: GroupCommit<Ending>;

  constructor(db: Db, clock: Clock) {
    this.#outbox = db.collection(collections.outbox);
    this.#takes = new GroupTake(clock, this.#outbox, ({ now }) => ({
      state: 'open',
      dueAt: { $lte: now },
    }));
    this.#endings = new GroupCommit({
      clock,
      ...messageBounds,
      write: (items) => stored(() => this.#end(items)),
    });
  }

  async dueMessages(now: number, limit: number): Promise<readonly string[]> {
    const found = await this.#outbox
      .find({ state: 'open', dueAt: { $lte: now } }, options)
      .sort({ dueAt: 1 })
      .limit(limit)
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    return found.map(({ _id }) => _id);
  }

  async takeMessage(key: string, now: number, until: number): Promise<OutboxItem | undefined> {
    const taken = await this.#takes.one(key, { now, until });
    if (taken === undefined) return undefined;
    const { eventId, kind, to, silent, data, tries } = taken;
    return { message: { key, eventId, kind, to, ...(silent && { silent }), data }, tries };
  }

  async done(key: string, now: number): Promise<void> {
    await this.#endings.add({ key, doneAt: now });
  }

  async failed(key: string, why: string, dueAt: number | undefined): Promise<void> {
    const next = dueAt === undefined ? { state: 'failed' as const } : { dueAt };
    await this.#outbox.updateOne({ _id: key, state: 'open' }, { $set: { ...next, why } }, options);
  }

  async #end(endings: readonly Ending[]): Promise<void> {
    const ids = endings.map(({ key }) => key);
    const set = {
      state: 'done',
      doneAt: Math.max(...endings.map(({ doneAt }) => doneAt)),
    } as const;
    await this.#outbox.updateMany({ _id: { $in: ids } }, { $set: set }, options);
  }
}

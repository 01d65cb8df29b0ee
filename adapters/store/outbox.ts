import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { collections, type OutboxDocument } from '#adapters/store/booking-documents.ts';
import { stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import type { OutboxItem, OutboxStore } from '#adapters/store/outbox.port.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** The bookings' outbox in MongoDB; `MongoBookings.commit` writes into it. */
export class MongoOutbox implements OutboxStore {
  readonly #outbox: Collection<OutboxDocument>;

  readonly #endings: GroupCommit<AnyBulkWriteOperation<OutboxDocument>>;

  constructor(db: Db, clock: Clock) {
    this.#outbox = db.collection(collections.outbox);
    this.#endings = new GroupCommit({
      clock,
      groupMax: 500,
      waitingMax: 10_000,
      whenFull: () => new UsherError('overloaded', 'Too many messages wait for the database'),
      write: (items) =>
        stored(async () => {
          await this.#outbox.bulkWrite([...items], { ordered: false, ...options });
        }),
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
    const taken = await this.#outbox.findOneAndUpdate(
      { _id: key, state: 'open', dueAt: { $lte: now } },
      { $set: { dueAt: until }, $inc: { tries: 1 } },
      { returnDocument: 'after', ...options },
    );
    if (taken === null) return undefined;
    const { eventId, kind, to, data, tries } = taken;
    return { message: { key, eventId, kind, to, data }, tries };
  }

  async done(key: string, now: number): Promise<void> {
    const update = { $set: { state: 'done' as const, doneAt: now } };
    await this.#endings.add({ updateOne: { filter: { _id: key }, update } });
  }

  async failed(key: string, why: string, dueAt: number | undefined): Promise<void> {
    const next = dueAt === undefined ? { state: 'failed' as const } : { dueAt };
    await this.#outbox.updateOne({ _id: key, state: 'open' }, { $set: { ...next, why } }, options);
  }
}

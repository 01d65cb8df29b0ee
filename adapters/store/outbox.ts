import type { Collection, Db } from 'mongodb';
import { collections, type OutboxDocument } from '#adapters/store/booking-documents.ts';
import type { OutboxItem, OutboxStore } from '#adapters/store/outbox.port.ts';
import { limits } from '#domain/limits.ts';

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** The bookings' outbox in MongoDB; `MongoBookings.commit` writes into it. */
export class MongoOutbox implements OutboxStore {
  readonly #outbox: Collection<OutboxDocument>;

  constructor(db: Db) {
    this.#outbox = db.collection(collections.outbox);
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
    await this.#outbox.updateOne({ _id: key }, { $set: { state: 'done', doneAt: now } }, options);
  }

  async failed(key: string, why: string, dueAt: number | undefined): Promise<void> {
    const next = dueAt === undefined ? { state: 'failed' as const } : { dueAt };
    await this.#outbox.updateOne({ _id: key, state: 'open' }, { $set: { ...next, why } }, options);
  }
}

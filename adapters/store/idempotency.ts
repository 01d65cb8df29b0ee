import type { Collection, Db } from 'mongodb';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

/** What is remembered of one idempotency key in its scope. */
export type Remembered = {
  readonly fingerprint: string;
  /** Identity of the run that has, or had, the lock. */
  readonly runId: string;
  /** Epoch ms: a run still going then counts as crashed. */
  readonly lockedUntil: number;
  /** JSON text of the first success; absent while it runs. */
  readonly answer?: string;
};

type Row = Remembered & {
  readonly _id: string;
  /** A date, for the index that removes what has expired. */
  readonly expiresAt: Date;
};

const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/**
 * Keys of requests and their first success, one document a scope. Every call is bounded and rejects
 * with `unavailable` when the database does not answer.
 */
export class IdempotencyStore {
  readonly #keys: Collection<Row>;

  constructor(db: Db) {
    this.#keys = db.collection('idempotency');
  }

  async prepare(): Promise<void> {
    await this.#keys.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  }

  /** Takes the lock of a new scope; undefined when taken, else what stands there. */
  async begin(scope: string, run: Remembered, expiresAt: number): Promise<Remembered | undefined> {
    const row = { _id: scope, ...run, expiresAt: new Date(expiresAt) };
    try {
      await stored(() => this.#keys.insertOne(row));
      return undefined;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    const there = await stored(() => this.#keys.findOne({ _id: scope }, bounded));
    // Removed between the two: let the next attempt see.
    return there ?? { ...run, runId: '', lockedUntil: Number.POSITIVE_INFINITY };
  }

  /** Takes the lock of a crashed run; false when somebody else did, or it ended after all. */
  async takeOver(scope: string, crashed: string, runId: string, until: number): Promise<boolean> {
    const match = { _id: scope, runId: crashed, answer: { $exists: false } };
    const change = { $set: { runId, lockedUntil: until } };
    const result = await stored(() => this.#keys.updateOne(match, change, bounded));
    return result.modifiedCount === 1;
  }

  /** Remembers a success, unless the lock has been taken over. */
  async finish(scope: string, runId: string, answer: string, expiresAt: number): Promise<void> {
    const change = { $set: { answer, expiresAt: new Date(expiresAt) } };
    await stored(() => this.#keys.updateOne({ _id: scope, runId }, change, bounded));
  }

  /** Forgets a run that was refused, so that the next try is decided anew. */
  async forget(scope: string, runId: string): Promise<void> {
    const match = { _id: scope, runId, answer: { $exists: false } };
    await stored(() => this.#keys.deleteOne(match, bounded));
  }
}

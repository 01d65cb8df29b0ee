import type { AnyBulkWriteOperation, Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { insertNew, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { UsherError } from '#domain/errors.ts';
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

type Beginning = { readonly row: Row; taken: boolean };

const full = () => new UsherError('overloaded', 'Too many requests wait for the database');
const bounds = { groupMax: 500, waitingMax: 10_000, whenFull: full } as const;
const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/**
 * Keys of requests and their first success, one document a scope; the writes of one moment go to
 * the database together. Every call is bounded and rejects
 * with `unavailable` when the database does not answer.
 */
export class IdempotencyStore {
  readonly #keys: Collection<Row>;

  readonly #beginnings: GroupCommit<Beginning>;
  readonly #changes: GroupCommit<AnyBulkWriteOperation<Row>>;

  constructor(db: Db, clock: Clock) {
    this.#keys = db.collection('idempotency');
    this.#beginnings = new GroupCommit({
      clock,
      ...bounds,
      write: (items) => stored(() => this.#beginAll(items)),
    });
    this.#changes = new GroupCommit({
      clock,
      ...bounds,
      write: (items) =>
        stored(async () => {
          await this.#keys.bulkWrite([...items], { ordered: false, ...bounded });
        }),
    });
  }

  async prepare(): Promise<void> {
    await this.#keys.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
  }

  /** Takes the lock of a new scope; undefined when taken, else what stands there. */
  async begin(scope: string, run: Remembered, expiresAt: number): Promise<Remembered | undefined> {
    const row = { _id: scope, ...run, expiresAt: new Date(expiresAt) };
    const beginning: Beginning = { row, taken: false };
    await this.#beginnings.add(beginning);
    if (!beginning.taken) return undefined;
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
    await this.#changes.add({ updateOne: { filter: { _id: scope, runId }, update: change } });
  }

  /** Forgets a run that was refused, so that the next try is decided anew. */
  async forget(scope: string, runId: string): Promise<void> {
    const match = { _id: scope, runId, answer: { $exists: false } };
    await stored(() => this.#keys.deleteOne(match, bounded));
  }

  async #beginAll(beginnings: readonly Beginning[]): Promise<void> {
    const rows = beginnings.map(({ row }) => row);
    const taken = await insertNew(this.#keys, rows, bounded);
    beginnings.forEach((beginning, index) => {
      beginning.taken = taken.has(index);
    });
  }
}

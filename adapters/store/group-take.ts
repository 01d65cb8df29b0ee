import { type Collection, type Filter, ObjectId, type UpdateFilter } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { spacing } from '#adapters/store/pace.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

/** What can be taken for a while: due at `dueAt`, and the group that took it last. */
export type Takeable = {
  readonly _id: string;
  readonly dueAt?: number;
  readonly tries: number;
  readonly takenBy?: string;
};

/** How many writes about messages wait and go together, and how often. */
export const messageBounds = {
  groupMax: 500,
  spacingMs: spacing.messagesMs,
  waitingMax: 10_000,
  whenFull: () => new UsherError('overloaded', 'Too many messages wait for the database'),
} as const;

/** Epoch ms. */
type Lease = { readonly now: number; readonly until: number };
type Taking<T> = Lease & { readonly key: string; found?: T };

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/**
 * Takes documents by key so that nobody else does until a time; those asked for in one moment are
 * taken with one update, and read back by the mark that it leaves.
 */
export class GroupTake<T extends Takeable> {
  readonly #takings: GroupCommit<Taking<T>>;

  /** `free` is what a document must be, besides due, to be taken. */
  constructor(clock: Clock, collection: Collection<T>, free: (lease: Lease) => Filter<Takeable>) {
    this.#takings = new GroupCommit({
      clock,
      ...messageBounds,
      write: (takings) => stored(() => takeAll(collection, free, takings)),
    });
  }

  /** Undefined: another has it, or it is not to be had. Counts a try. */
  async one(key: string, lease: Lease): Promise<T | undefined> {
    const taking: Taking<T> = { key, ...lease };
    await this.#takings.add(taking);
    return taking.found;
  }
}

async function takeAll<T extends Takeable>(
  collection: Collection<T>,
  free: (lease: Lease) => Filter<Takeable>,
  takings: readonly Taking<T>[],
): Promise<void> {
  // One key twice in a group: the first has it.
  const first = new Map(takings.toReversed().map((taking) => [taking.key, taking]));
  const lease = { now: Math.max(...takings.map(({ now }) => now)), until: takings[0]?.until ?? 0 };
  const takenBy = new ObjectId().toHexString();
  const among = { _id: { $in: [...first.keys()] } };
  const { modifiedCount } = await collection.updateMany(
    { ...free(lease), ...among } as Filter<T>,
    { $set: { dueAt: lease.until, takenBy }, $inc: { tries: 1 } } as unknown as UpdateFilter<T>,
    options,
  );
  if (modifiedCount === 0) return;
  // All of them in one answer: the default is 101, then a second one.
  const read = { ...options, batchSize: takings.length + 1 };
  const found = await collection.find({ ...among, takenBy } as Filter<T>, read).toArray();
  for (const doc of found) {
    const taking = first.get(doc._id);
    if (taking !== undefined) taking.found = doc as T;
  }
}

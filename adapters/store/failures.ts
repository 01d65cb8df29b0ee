import {
  type Collection,
  type Document,
  MongoBulkWriteError,
  MongoError,
  MongoServerError,
  type OptionalUnlessRequiredId,
} from 'mongodb';
import { UsherError } from '#domain/errors.ts';

/** True for a write that a unique index refused. */
export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 11_000;

/**
 * Positions of what a unique index refused, when all else is durable; undefined when something else
 * went wrong. What only lacks the majority is such a thing: it may still be lost.
 */
export function duplicatesIn(error: unknown): number[] | undefined {
  if (!(error instanceof MongoBulkWriteError)) return undefined;
  const errors = [error.writeErrors].flat();
  const durable = error.result.getWriteConcernError() === undefined;
  return durable && errors.length > 0 && errors.every((one) => one.code === 11_000)
    ? errors.map((one) => one.index)
    : undefined;
}

/**
 * Inserts what is new; answers the positions of what was there already. Rejects when it is not
 * known whether all of it is durable.
 */
export async function insertNew<T extends Document>(
  collection: Collection<T>,
  docs: readonly T[],
  options: { readonly maxTimeMS?: number } = {},
): Promise<ReadonlySet<number>> {
  try {
    const rows = [...docs] as OptionalUnlessRequiredId<T>[];
    await collection.insertMany(rows, { ordered: false, ...options });
    return new Set();
  } catch (error) {
    const there = duplicatesIn(error);
    if (there === undefined) throw error;
    return new Set(there);
  }
}

/**
 * Runs a store's operation; a database that cannot be reached, or does not answer in time, becomes
 * `unavailable`. A duplicate key is passed on as it is, for the caller to read.
 */
export async function stored<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (!(error instanceof MongoError) || isDuplicateKey(error)) throw error;
    throw new UsherError('unavailable', 'The database did not answer');
  }
}

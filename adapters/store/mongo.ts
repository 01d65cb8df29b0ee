import {
  type ClientSession,
  type Collection,
  type Db,
  type Document,
  MongoClient,
  MongoServerError,
  type TransactionOptions,
} from 'mongodb';
import { limits } from '#domain/limits.ts';

type Shared = { client: MongoClient; opening: Promise<MongoClient>; users: number };

const shared = new Map<string, Shared>();

/**
 * The process's one client for `uri`, opened at the first call. Writes are majority and journaled,
 * reads go to the primary with read concern majority. Give it back with `releaseMongo(uri)`.
 * Rejects when the server does not answer within `limits.databaseTimeoutMs`.
 */
export async function acquireMongo(uri: string): Promise<Db> {
  let entry = shared.get(uri);
  if (entry === undefined) {
    const client = new MongoClient(uri, {
      writeConcern: { w: 'majority', journal: true },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      maxPoolSize: 64,
      serverSelectionTimeoutMS: limits.databaseTimeoutMs,
      connectTimeoutMS: limits.databaseTimeoutMs,
      waitQueueTimeoutMS: limits.databaseTimeoutMs,
      // The driver's `timeoutMS` has no effect; this frees a connection whose server is silent.
      socketTimeoutMS: 4 * limits.databaseTimeoutMs,
      ignoreUndefined: true,
    });
    entry = { client, opening: client.connect(), users: 0 };
    shared.set(uri, entry);
    entry.opening.catch(() => shared.delete(uri));
  }
  entry.users++;
  return (await entry.opening).db();
}

/** Gives back what `acquireMongo` took; the last one closes the client. */
export async function releaseMongo(uri: string): Promise<void> {
  const entry = shared.get(uri);
  if (entry === undefined || --entry.users > 0) return;
  shared.delete(uri);
  await entry.client.close();
}

/** `NamespaceNotFound` and `IndexNotFound`. */
const notThere: readonly unknown[] = [26, 27];

/** Drops indexes that nothing reads by any more, where a database still has them. */
export async function dropUnused<T extends Document>(
  collection: Collection<T>,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    try {
      await collection.dropIndex(name);
    } catch (error) {
      if (!(error instanceof MongoServerError) || !notThere.includes(error.code)) throw error;
    }
  }
}

/** How every transaction runs: snapshot, majority, journaled, bounded. */
export const transactionOptions: TransactionOptions = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
  maxCommitTimeMS: limits.databaseTimeoutMs,
};

/**
 * Runs `work` in a transaction and answers what it does; ends within twice
 * `limits.databaseTimeoutMs`. `work` may run several times: it must not change anything outside the
 * transaction. Errors are the driver's and those of `work`: see `stored`.
 */
export function inTransaction<T>(db: Db, work: (session: ClientSession) => Promise<T>): Promise<T> {
  const options = { ...transactionOptions, timeoutMS: limits.databaseTimeoutMs * 2 };
  return db.client.withSession((session) => session.withTransaction(() => work(session), options));
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Db } from 'mongodb';
import { replicaSetUri } from '#adapters/mongod/replica-set.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';

/**
 * The database of the system that runs here: `given`, else `MONGODB_URI`, else the mongod that
 * `npm start` keeps in the data folder. Undefined when there is none.
 */
export function runningDatabase(given?: string): string | undefined {
  return given ?? process.env.MONGODB_URI ?? childMongod();
}

/**
 * Runs `work` on the database of `runningDatabase(given)` and closes it, whatever comes of it.
 * Rejects with a sentence that ends in `usage` when there is none.
 */
export async function onRunningDatabase<T>(
  given: string | undefined,
  usage: string,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  const uri = runningDatabase(given);
  if (uri === undefined) throw new Error(`no database: set MONGODB_URI or give --uri\n${usage}`);
  const db = await acquireMongo(uri);
  try {
    return await work(db);
  } finally {
    await releaseMongo(uri);
  }
}

function childMongod(): string | undefined {
  const record = join(process.env.DATA_DIR ?? './data', 'mongodb', 'mongod.json');
  if (!existsSync(record)) return undefined;
  const { port } = JSON.parse(readFileSync(record, 'utf8')) as { readonly port: number };
  return replicaSetUri(port, 'usher');
}

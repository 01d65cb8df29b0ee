import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replicaSetUri } from '#adapters/mongod/replica-set.ts';

/**
 * The database of the system that runs here: `given`, else `MONGODB_URI`, else the mongod that
 * `npm start` keeps in the data folder. Undefined when there is none.
 */
export function runningDatabase(given?: string): string | undefined {
  return given ?? process.env.MONGODB_URI ?? childMongod();
}

function childMongod(): string | undefined {
  const record = join(process.env.DATA_DIR ?? './data', 'mongodb', 'mongod.json');
  if (!existsSync(record)) return undefined;
  const { port } = JSON.parse(readFileSync(record, 'utf8')) as { readonly port: number };
  return replicaSetUri(port, 'usher');
}

import { join } from 'node:path';
import { lockDataFolder } from '#adapters/machine/data-folder.ts';
import { findMongod, type Search } from '#adapters/mongod/binary.ts';
import { type Mongod, startMongod } from '#adapters/mongod/child.ts';

export type ChildMongod = Mongod & {
  /** Such as `MongoDB 6.0.5 from the PATH`. */
  readonly description: string;
};

/**
 * A real MongoDB of our own in the data folder: finds or fetches a mongod, takes the folder for
 * this process and starts the server as a single-node replica set. `stop` also gives the folder
 * back. Rejects with a sentence for the operator.
 */
export async function startChildMongod(dataDir: string, search: Search): Promise<ChildMongod> {
  const unlock = lockDataFolder(dataDir);
  try {
    const { path, version, from } = await findMongod(search);
    const mongod = await startMongod({
      binary: path,
      folder: join(dataDir, 'mongodb'),
      clock: search.clock,
      database: 'usher',
      cacheGb: 0.5,
    });
    const stop = (): Promise<void> => mongod.stop().finally(unlock);
    return { ...mongod, stop, description: `MongoDB ${version} from ${from}` };
  } catch (error) {
    unlock();
    throw error;
  }
}

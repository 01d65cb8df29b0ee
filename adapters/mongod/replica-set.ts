import { type Document, MongoClient, MongoServerError } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';

const setName = 'rs0';
const notYetInitialized = 94;
const pollMs = 50;
const pollsMax = 600;

/** Arguments that make a mongod a member of the set. */
export const replicaSetArguments = ['--replSet', setName];

const loopback = '127.0.0.1';

/** Where a client finds the single-node set on `port`. */
export const replicaSetUri = (port: number, database: string, host = loopback): string =>
  `mongodb://${host}:${port}/${database}?replicaSet=${setName}`;

/**
 * Makes the mongod on `port` the primary of its single-node replica set: initiates a new data
 * folder; tells one that was last started on another port its new address. Resolves when it takes
 * writes; rejects after 30 s. `host` is the address of this machine that clients are told.
 */
export async function ensurePrimary(port: number, clock: Clock, host = loopback): Promise<void> {
  const client = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 30_000,
  });
  try {
    await client.connect();
    const run = (command: Document): Promise<Document> => client.db('admin').command(command);
    await initiateOrRejoin(run, `${host}:${port}`);
    for (let poll = 0; poll < pollsMax; poll++) {
      if ((await run({ hello: 1 })).isWritablePrimary === true) return;
      await clock.sleep(pollMs);
    }
    throw new Error(`the mongod on port ${port} did not become primary`);
  } finally {
    await client.close();
  }
}

async function initiateOrRejoin(
  run: (command: Document) => Promise<Document>,
  host: string,
): Promise<void> {
  const config = await currentConfig(run);
  if (config === undefined) {
    await run({ replSetInitiate: { _id: setName, members: [{ _id: 0, host }] } });
    return;
  }
  const [member] = config.members as Document[];
  if (member?.host === host) return;
  const moved = { ...config, version: config.version + 1, members: [{ ...member, host }] };
  await run({ replSetReconfig: moved, force: true });
}

async function currentConfig(
  run: (command: Document) => Promise<Document>,
): Promise<Document | undefined> {
  try {
    return (await run({ replSetGetConfig: 1 })).config as Document;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === notYetInitialized) return undefined;
    throw error;
  }
}

import { randomBytes } from 'node:crypto';
import { describe } from '@jest/globals';
import { type Db, MongoClient } from 'mongodb';

export { freePort } from '#adapters/machine/ports.ts';

const variables = {
  mongod: 'USHER_TEST_MONGODB_URI',
  'nats-server': 'USHER_TEST_NATS_URL',
} as const;

export type TestServer = keyof typeof variables;

export type TestDatabase = {
  /** Names this database; what a service's `MONGODB_URI` is set to. */
  readonly uri: string;
  readonly db: Db;
  /** Removes the database and closes the connection behind `db`. */
  drop(): Promise<void>;
};

/** `describe`, skipped by name when one of the servers is not there (never in CI). */
export function describeWith(needs: readonly TestServer[], name: string, body: () => void): void {
  const missing = needs.filter((server) => process.env[variables[server]] === undefined);
  if (missing.length === 0) describe(name, body);
  else describe.skip(`${name} [needs ${missing.join(', ')}]`, body);
}

/** A database of its own on the run's mongod: `usher-<name>-<random>`. */
export async function testDatabase(name: string): Promise<TestDatabase> {
  const url = new URL(addressOf('mongod'));
  const unique = randomBytes(4).toString('hex');
  url.pathname = `/usher-${name.replaceAll(/[^a-zA-Z0-9]+/g, '-').slice(0, 30)}-${unique}`;
  const client = new MongoClient(url.href, {
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
    ignoreUndefined: true,
  });
  await client.connect();
  const db = client.db();
  const drop = async (): Promise<void> => {
    await db.dropDatabase();
    await client.close();
  };
  return { uri: url.href, db, drop };
}

/** The run's NATS server; tests keep apart by namespace. */
export const natsUrl = (): string => addressOf('nats-server');

function addressOf(server: TestServer): string {
  const address = process.env[variables[server]];
  if (address === undefined) throw new Error(`This test needs ${server}; it is not installed here`);
  return address;
}

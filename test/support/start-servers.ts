import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#adapters/clock/system.ts';
import {
  natsServer,
  type ServerProgram,
  startServerProcess,
} from '#adapters/machine/server-process.ts';
import { findMongod } from '#adapters/mongod/binary.ts';
import { startMongod } from '#adapters/mongod/child.ts';
import { defaultCacheDir } from '#config/folders.ts';

type Stop = () => Promise<void>;
type Started = { readonly url: string; readonly stop: Stop };

/** The servers of a run: the variable that names each one, and how one is started. */
const servers = {
  USHER_TEST_MONGODB_URI: (cacheGb: number) => startTestMongod(cacheGb),
  USHER_TEST_NATS_URL: () => startTestServer(natsServer, 'nats'),
  USHER_TEST_REDIS_URL: () => startTestServer(redisServer, 'redis'),
};

type Variable = keyof typeof servers;

const all = Object.keys(servers) as readonly Variable[];

/**
 * Starts the servers whose variable is not set yet and sets it; a server given from outside is used
 * as it is. One that cannot be had leaves its variable unset, so that its tests are skipped by
 * name; with `CI` set that is a failure. Answers what stops them.
 */
export async function startServers(
  wanted: readonly Variable[] = all,
  mongodCacheGb = 2,
): Promise<Stop[]> {
  const stops: Stop[] = [];
  try {
    await Promise.all(
      wanted.map(async (variable) => {
        if (process.env[variable] !== undefined) return;
        const started = await startOrExplain(variable, () => servers[variable](mongodCacheGb));
        if (started === undefined) return;
        process.env[variable] = started.url;
        stops.push(started.stop);
      }),
    );
    return stops;
  } catch (error) {
    await Promise.all(stops.map((stop) => stop()));
    throw error;
  }
}

async function startOrExplain(
  variable: string,
  start: () => Promise<Started>,
): Promise<Started | undefined> {
  try {
    return await start();
  } catch (error) {
    if (process.env.CI !== undefined) throw error;
    console.warn(`\n${(error as Error).message} – tests that need ${variable} are skipped`);
    return undefined;
  }
}

async function startTestMongod(cacheGb: number): Promise<Started> {
  const binary = process.env.USHER_MONGOD ?? (await findTestMongod());
  const folder = mkdtempSync(join(tmpdir(), 'usher-test-mongod-'));
  const server = await startMongod({
    binary,
    folder,
    clock: systemClock,
    database: 'usher-test',
    cacheGb,
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: server.uri, stop };
}

async function findTestMongod(): Promise<string> {
  const found = await findMongod({
    searchPath: process.env.PATH ?? '',
    cacheDir: defaultCacheDir(process.env),
    clock: systemClock,
    say: (line) => console.log(line),
  });
  return found.path;
}

const redisServer: ServerProgram = {
  name: 'redis-server',
  argumentsFor: (port) => [
    ...['--bind', '127.0.0.1', '--port', String(port)],
    ...['--save', '', '--appendonly', 'no'],
  ],
};

async function startTestServer(program: ServerProgram, scheme: string): Promise<Started> {
  const { port, stop } = await startServerProcess(program, process.env.PATH ?? '', systemClock);
  return { url: `${scheme}://127.0.0.1:${port}`, stop };
}

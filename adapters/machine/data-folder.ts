import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { alive, startOf } from '#adapters/machine/processes.ts';

const fileName = 'usher.lock';

/**
 * Makes the data folder and takes it for this process alone; answers what gives it back. A lock
 * that a dead process left is taken over. Throws a sentence for the operator when the folder cannot
 * be written or another running process has it.
 */
export function lockDataFolder(folder: string): () => void {
  const file = join(folder, fileName);
  writable(folder, () => makeFolder(resolve(folder)));
  for (let attempt = 0; attempt < 2; attempt++) {
    if (writable(folder, () => created(file))) return () => rmSync(file, { force: true });
    const owner = ownerOf(file);
    if (owner !== undefined) {
      throw new Error(
        `The data folder ${folder} is in use by process ${owner}: stop it, or set DATA_DIR`,
      );
    }
    unlinkSync(file);
  }
  throw new Error(`The data folder ${folder} was taken by another process just now`);
}

function writable<T>(folder: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `The data folder ${folder} cannot be written (${code ?? message}): ` +
        'give this user the right to, or set DATA_DIR to another folder',
    );
  }
}

/**
 * Level by level: Node's own recursive way never ends on a file system that answers "no such file"
 * to a new folder, as /proc does.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Writes the lock file; false when there is one already. */
function created(file: string): boolean {
  try {
    const handle = openSync(file, 'wx');
    const { pid } = process;
    writeFileSync(handle, JSON.stringify({ pid, start: startOf(pid) }));
    closeSync(handle);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The running process that holds the lock; undefined when that one is gone. */
function ownerOf(file: string): number | undefined {
  try {
    const { pid, start } = JSON.parse(readFileSync(file, 'utf8'));
    return alive(pid) && pid !== process.pid && startOf(pid) === start ? pid : undefined;
  } catch {
    return undefined;
  }
}

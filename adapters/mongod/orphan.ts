import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { alive, startOf } from '#adapters/machine/processes.ts';

const answerMs = 2_000;
const pollMs = 50;
const pollsMax = 300;

type Left = {
  readonly pid: number;
  readonly port: number;
  /** Tells the process from a later one with its id, where the system shows that. */
  readonly start: string | undefined;
};

/**
 * Stops the mongod that an owner killed before it could clean up left on `dbPath`, as told by its
 * `record` file, and waits up to 15 s for it to be gone. Where the process cannot be told apart
 * from a later one with its id, only a server that says that it runs on this folder is stopped.
 */
export async function stopOrphan(record: string, dbPath: string, clock: Clock): Promise<void> {
  const left = readRecord(record);
  if (left !== undefined && alive(left.pid) && (await isOurs(left, dbPath))) {
    process.kill(left.pid, 'SIGTERM');
    for (let poll = 0; poll < pollsMax && alive(left.pid); poll++) await clock.sleep(pollMs);
    if (alive(left.pid)) process.kill(left.pid, 'SIGKILL');
  }
  rmSync(record, { force: true });
}

function readRecord(record: string): Left | undefined {
  if (!existsSync(record)) return undefined;
  try {
    const { pid, port, start } = JSON.parse(readFileSync(record, 'utf8'));
    return Number.isInteger(pid) && Number.isInteger(port) ? { pid, port, start } : undefined;
  } catch {
    return undefined;
  }
}

const isOurs = async ({ pid, port, start }: Left, dbPath: string): Promise<boolean> =>
  start === undefined ? servesFolder(port, dbPath) : startOf(pid) === start;

async function servesFolder(port: number, dbPath: string): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: answerMs,
    socketTimeoutMS: answerMs,
  });
  try {
    const options = await client.db('admin').command({ getCmdLineOpts: 1 });
    return resolve(options.parsed?.storage?.dbPath ?? '') === resolve(dbPath);
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

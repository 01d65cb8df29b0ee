import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { alive } from '#adapters/machine/processes.ts';

const answerMs = 2_000;
const pollMs = 50;
const pollsMax = 300;

/**
 * Stops the mongod that an owner killed before it could clean up left on `dbPath`, as told by its
 * `record` file. Only a server that says itself that it runs on this folder is stopped; waits up
 * to 15 s for it to be gone.
 */
export async function stopOrphan(record: string, dbPath: string, clock: Clock): Promise<void> {
  const left = readRecord(record);
  if (left !== undefined && alive(left.pid) && (await servesFolder(left.port, dbPath))) {
    process.kill(left.pid, 'SIGTERM');
    for (let poll = 0; poll < pollsMax && alive(left.pid); poll++) await clock.sleep(pollMs);
    if (alive(left.pid)) process.kill(left.pid, 'SIGKILL');
  }
  rmSync(record, { force: true });
}

function readRecord(record: string): { pid: number; port: number } | undefined {
  if (!existsSync(record)) return undefined;
  try {
    const { pid, port } = JSON.parse(readFileSync(record, 'utf8'));
    return Number.isInteger(pid) && Number.isInteger(port) ? { pid, port } : undefined;
  } catch {
    return undefined;
  }
}

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

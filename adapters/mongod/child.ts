import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#adapters/clock/port.ts';
import { spawnLeashed } from '#adapters/machine/leash.ts';
import { freePort } from '#adapters/machine/ports.ts';
import { startOf } from '#adapters/machine/processes.ts';
import { stopOrphan } from '#adapters/mongod/orphan.ts';
import { ensurePrimary, replicaSetArguments, replicaSetUri } from '#adapters/mongod/replica-set.ts';

const stopMs = 15_000;

export type MongodOptions = {
  readonly binary: string;
  /** Holds the data, the log and the record of the running process; made when missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly database: string;
  /** WiredTiger's cache in GB; at least 0.25. */
  readonly cacheGb: number;
};

export type Mongod = {
  readonly uri: string;
  readonly pid: number;
  /** Resolves when the process is gone, with a sentence on how it ended. */
  readonly ended: Promise<string>;
  /** Shuts the server down cleanly, by force after 15 s; may be called twice. */
  stop(): Promise<void>;
  /** Ends the server at once; its journal keeps what was acknowledged. */
  kill(): void;
};

/**
 * Starts a mongod of our own as a single-node replica set on a free port of 127.0.0.1 and waits
 * until it takes writes. A mongod that an earlier, killed owner left running on the same folder is
 * stopped first. The caller holds the folder's lock. Rejects with a sentence for the operator.
 */
export async function startMongod(options: MongodOptions): Promise<Mongod> {
  const { folder, clock } = options;
  const dbPath = join(folder, 'db');
  mkdirSync(dbPath, { recursive: true });
  const record = join(folder, 'mongod.json');
  await stopOrphan(record, dbPath, clock);
  const port = await freePort();
  const logFile = join(folder, 'mongod.log');
  const child = spawnServer(options, dbPath, port, logFile);
  const ended = endOf(child);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.binary} cannot be started: ${await ended}`);
  writeFileSync(record, JSON.stringify({ pid, start: startOf(pid), port }));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const cancel = clock.after(stopMs, () => child.kill('SIGKILL'));
    await ended;
    cancel();
    rmSync(record, { force: true });
  };
  const failed = await Promise.race([
    ensurePrimary(port, clock).then(
      () => undefined,
      (error: Error) => error.message,
    ),
    ended,
  ]);
  if (failed === undefined) {
    const uri = replicaSetUri(port, options.database);
    return { uri, pid, ended, stop, kill: () => child.kill('SIGKILL') };
  }
  await stop();
  throw new Error(`mongod did not start (${failed})${complaint(logFile)}; its log: ${logFile}`);
}

function spawnServer(
  options: MongodOptions,
  dbPath: string,
  port: number,
  logFile: string,
): ChildProcess {
  const log = openSync(logFile, 'w');
  const args = [
    ...replicaSetArguments,
    ...['--dbpath', dbPath, '--bind_ip', '127.0.0.1', '--port', String(port)],
    ...['--wiredTigerCacheSizeGB', String(options.cacheGb), '--nounixsocket'],
    ...['--setParameter', 'transactionLifetimeLimitSeconds=5'],
    ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    // Nothing reads the past, which MongoDB keeps for five minutes unless told otherwise.
    ...['--setParameter', 'minSnapshotHistoryWindowInSeconds=10'],
  ];
  const child = spawnLeashed(options.binary, args, { output: log });
  closeSync(log);
  return child;
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return code === null ? `ended by ${signal}` : `exit code ${code}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The first error in mongod's log, which is one JSON document a line. */
function complaint(logFile: string): string {
  for (const line of readFileSync(logFile, 'utf8').split('\n')) {
    if (!/"s":"[EF]"/.test(line)) continue;
    const entry = JSON.parse(line) as { msg: string; attr?: { error?: unknown } };
    const error = entry.attr?.error;
    return `: ${entry.msg}${error === undefined ? '' : ` (${JSON.stringify(error)})`}`;
  }
  return '';
}

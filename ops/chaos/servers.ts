import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '#adapters/clock/system.ts';
import { spawnLeashed } from '#adapters/machine/leash.ts';
import { answersAt, freePort } from '#adapters/machine/ports.ts';
import { onPath } from '#adapters/machine/programs.ts';
import { findMongod } from '#adapters/mongod/binary.ts';
import { ensurePrimary, replicaSetArguments, replicaSetUri } from '#adapters/mongod/replica-set.ts';
import { defaultCacheDir } from '#config/folders.ts';

const startMs = 30_000;

/** A server that keeps its address and its data when it is killed and started again. */
export class Server {
  readonly port: number;
  readonly #binary: string;
  readonly #args: readonly string[];
  readonly #logFile: string;
  readonly #untilUp: () => Promise<void>;
  #child: ChildProcess | undefined;

  constructor(
    binary: string,
    port: number,
    args: readonly string[],
    logFile: string,
    untilUp: () => Promise<void>,
  ) {
    this.#binary = binary;
    this.port = port;
    this.#args = args;
    this.#logFile = logFile;
    this.#untilUp = untilUp;
  }

  /** Resolves when it serves; rejects with a sentence when it does not. */
  async start(): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    const child = spawnLeashed(this.#binary, this.#args, { cwd: tmpdir(), output: log });
    closeSync(log);
    this.#child = child;
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`${this.#binary} ended (${code ?? signal}); its log: ${this.#logFile}`);
    });
    ended.catch(() => undefined);
    await Promise.race([this.#untilUp(), ended]);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** A mongod that is a replica set of one, known to clients as `host`. Not started yet. */
export async function mongodServer(
  host: string,
  folder: string,
): Promise<{ readonly server: Server; readonly uri: string }> {
  const found = await findMongod({
    searchPath: process.env.PATH ?? '',
    cacheDir: defaultCacheDir(process.env),
    clock: systemClock,
    say: (line) => console.log(line),
  });
  const binary = process.env.USHER_MONGOD ?? found.path;
  const port = await freePort();
  const dbPath = join(folder, 'db');
  mkdirSync(dbPath, { recursive: true });
  const args = [
    ...replicaSetArguments,
    ...['--dbpath', dbPath, '--bind_ip', host, '--port', String(port), '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', '0.5'],
    ...['--setParameter', 'transactionLifetimeLimitSeconds=5'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ];
  const up = (): Promise<void> => ensurePrimary(port, systemClock, host);
  const server = new Server(binary, port, args, join(folder, 'mongod.log'), up);
  return { server, uri: replicaSetUri(port, 'usher', host) };
}

/** A NATS server, not started yet. */
export async function natsServer(host: string, folder: string): Promise<Server> {
  const searched = [process.env.PATH ?? '', '/usr/sbin', '/usr/local/bin'].join(delimiter);
  const binary = onPath('nats-server', searched);
  if (binary === undefined) throw new Error('There is no nats-server on the PATH: install it');
  const port = await freePort();
  const up = async (): Promise<void> => {
    for (const until = Date.now() + startMs; Date.now() < until; ) {
      if (await answersAt(host, port, 200, systemClock)) return;
      await systemClock.sleep(50);
    }
    throw new Error(`nats-server did not answer at ${host}:${port}`);
  };
  const logFile = join(folder, 'nats.log');
  return new Server(binary, port, ['-a', host, '-p', String(port)], logFile, up);
}

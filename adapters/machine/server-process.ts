import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter } from 'node:path';
import type { Clock } from '#adapters/clock/port.ts';
import { spawnLeashed } from '#adapters/machine/leash.ts';
import { answersAt, freePort } from '#adapters/machine/ports.ts';
import { onPath } from '#adapters/machine/programs.ts';

const startMs = 5_000;
const stopMs = 10_000;
const pollMs = 50;

/** Where distributions put servers, besides the PATH. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

export type ServerProgram = {
  /** Such as `nats-server`. */
  readonly name: string;
  readonly argumentsFor: (port: number) => readonly string[];
};

export type ServerProcess = {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
};

/**
 * Runs a server program of this machine on a free port of 127.0.0.1, for as long as this process
 * lives; resolves when it takes connections. Rejects with a sentence for the
 * operator when the program is missing or does not start within 5 s.
 */
export async function startServerProcess(
  program: ServerProgram,
  searchPath: string,
  clock: Clock,
): Promise<ServerProcess> {
  const binary = onPath(program.name, [searchPath, ...serverFolders].join(delimiter));
  if (binary === undefined) throw new Error(`There is no ${program.name} on the PATH`);
  const port = await freePort();
  const options = { cwd: tmpdir(), output: 'ignore' } as const;
  const child = spawnLeashed(binary, program.argumentsFor(port), options);
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const cancel = clock.after(stopMs, () => child.kill('SIGKILL'));
    await ended.finally(cancel);
  };
  const deadline = clock.monotonic() + startMs;
  while (!(await answersAt('127.0.0.1', port, pollMs, clock))) {
    if (child.exitCode !== null || clock.monotonic() > deadline) {
      await stop();
      throw new Error(`${binary} did not answer on port ${port} within ${startMs / 1_000} s`);
    }
    await clock.sleep(pollMs);
  }
  return { port, pid: child.pid ?? 0, stop };
}

/** Arguments of a NATS server for this machine only. */
export const natsServer: ServerProgram = {
  name: 'nats-server',
  argumentsFor: (port) => ['-a', '127.0.0.1', '-p', String(port)],
};

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Ends the program when the other end of descriptor 3 is gone; then becomes the program. */
const script = '(cat <&3 >/dev/null; kill -TERM $$ 2>/dev/null) & exec 3<&-; exec "$0" "$@"';

/**
 * Starts a program that does not outlive this process, not even when this process is killed: it
 * then gets SIGTERM. It runs in a process group of its own, so that a Ctrl-C in the terminal does
 * not stop it before its users. On Windows it is started plainly.
 */
export function spawnLeashed(
  binary: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd'> & { readonly output: number | 'ignore' },
): ChildProcess {
  const { output, ...rest } = options;
  if (process.platform === 'win32') {
    return spawn(binary, args, { ...rest, stdio: ['ignore', output, output] });
  }
  const child = spawn('/bin/sh', ['-c', script, binary, ...args], {
    ...rest,
    stdio: ['ignore', output, output, 'pipe'],
    detached: true,
  });
  const leash = child.stdio[3] as Socket | undefined;
  leash?.unref();
  child.once('exit', () => leash?.destroy());
  return child;
}

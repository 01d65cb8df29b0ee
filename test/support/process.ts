import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type Usher = {
  readonly child: ChildProcess;
  /** All that it has written so far. */
  output(): string;
  /** Waits until it has written what matches; rejects when it ends before, or after `ms`. */
  until(pattern: RegExp, ms?: number): Promise<RegExpExecArray>;
  /** Waits for its end; kills it and rejects after `ms`. */
  ended(ms?: number): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/** A folder of its own under the system's temporary one, and what removes it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'usher-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Starts `main.ts` as a process in the folder, where its `.env` and `data` are. Its environment is
 * `settings` and what is needed to find programs, nothing else.
 */
export function startUsher(folder: string, settings: Readonly<Record<string, string>>): Usher {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [resolve('main.ts')], {
    cwd: folder,
    env: { PATH, HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  let written = '';
  const collect = (chunk: Buffer): void => {
    written += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return {
    child,
    output: () => written,
    until: async (pattern, ms = 20_000) => {
      for (let waited = 0; waited < ms; waited += 20) {
        const match = pattern.exec(written);
        if (match !== null) return match;
        if (child.exitCode !== null) break;
        await sleep(20);
      }
      throw new Error(`no ${pattern} in the output:\n${written}`);
    },
    ended: async (ms = 20_000) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), ms);
      const [code, signal] = await exit;
      clearTimeout(timer);
      return { code, signal };
    },
  };
}

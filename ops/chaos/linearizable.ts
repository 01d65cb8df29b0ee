import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onPath } from '#adapters/machine/programs.ts';
import type { SeatHistory, SeatOp } from '#ops/chaos/history.ts';

const run = promisify(execFile);
const buildMs = 300_000;
const sources = fileURLToPath(new URL('./linearizable/', import.meta.url));

export type Verdict = {
  readonly seats: number;
  /** Counted once for each seat they touch. */
  readonly operations: number;
  /** Seats whose answers no order of their operations explains. */
  readonly violations: ReadonlyArray<{
    readonly seat: string;
    readonly explained: number;
    readonly of: number;
    /** The first that do not fit. */
    readonly stuck: readonly SeatOp[];
  }>;
  /** Seats for which the time was too short. */
  readonly undecided: readonly string[];
};

/** The `go` of this machine; undefined when there is none. */
export const findGo = (): string | undefined =>
  onPath('go', [process.env.PATH ?? '', '/usr/local/go/bin', '/usr/lib/go/bin'].join(delimiter));

/** Builds the checker into `folder`; its path. Rejects with a sentence for the operator. */
export async function buildChecker(folder: string): Promise<string> {
  const go = findGo();
  if (go === undefined) throw new Error('The checker of histories needs Go: install golang-go');
  const binary = join(folder, 'linearizable');
  await run(go, ['build', '-o', binary, '.'], { cwd: sources, timeout: buildMs });
  return binary;
}

/**
 * Asks the checker whether every seat's history is linearizable: some order of its operations, each
 * between its call and its return, explains all answers. Pictures of those that are not go to
 * `folder`.
 */
export async function checkHistories(
  binary: string,
  histories: Iterable<SeatHistory>,
  options: { readonly folder?: string; readonly secondsPerSeat?: number } = {},
): Promise<Verdict> {
  const { folder, secondsPerSeat = 60 } = options;
  const args = ['--seconds', String(secondsPerSeat), ...(folder ? ['--folder', folder] : [])];
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const [output] = await Promise.all([
    text(child.stdout),
    pipeline(Readable.from(lines(histories)), child.stdin),
  ]);
  const [code] = await exit;
  if (code !== 0) throw new Error(`The checker of histories ended with code ${code}`);
  return JSON.parse(output) as Verdict;
}

function* lines(histories: Iterable<SeatHistory>): Generator<string> {
  for (const history of histories) yield `${JSON.stringify(history)}\n`;
}

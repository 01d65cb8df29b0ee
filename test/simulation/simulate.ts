/**
 * `npm run simulate -- --seeds 1000 --from 1 [--check-determinism] [--workers 2]`
 * Runs seeds on worker threads; the first seed that fails prints its last steps and how to run it
 * again. Exit code 1 when one fails, or when two runs of one seed differ.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { coverageLines } from '#test/simulation/coverage.ts';
import { addFaults, faultKinds, noFaults } from '#test/simulation/faults.ts';
import type { Outcome } from '#test/simulation/world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    'check-determinism': { type: 'boolean', default: false },
    /** Stop at the first failing seed and print only its number; for mutants. */
    brief: { type: 'boolean', default: false },
  },
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const workers = Math.min(Number(values.workers), seeds);
const repeatEvery = values['check-determinism'] ? 10 : 0;

const startedAt = performance.now();
const faults = noFaults();
const counts = new Map<string, number>();
const failed: Outcome[] = [];
const unequal: number[] = [];
let done = 0;
let entries = 0;
let bookings = 0;

const count = (name: string, more: number): void => {
  counts.set(name, (counts.get(name) ?? 0) + more);
};

function take(outcome: Outcome): void {
  done++;
  entries += outcome.entries;
  addFaults(faults, outcome.faults);
  bookings += outcome.bookings;
  for (const [branch, n] of Object.entries(outcome.reached)) count(branch, n);
  if (outcome.problem !== undefined) failed.push(outcome);
  if (values.brief || (done % 100 !== 0 && done !== seeds)) return;
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${done}/${seeds} seeds, ${entries} entries, ${bookings} bookings, ` +
      `${failed.length} failed, ${seconds.toFixed(1)} s`,
  );
}

/** Each worker takes the next seed when it has done one. */
function work(next: () => number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    const give = (): void => {
      const seed = failed.length > 0 ? undefined : next();
      if (seed !== undefined) {
        worker.postMessage({ seed, twice: repeatEvery > 0 && seed % repeatEvery === 0 });
        return;
      }
      void worker.terminate();
      resolve();
    };
    worker.on('message', ({ outcome, same }: { outcome: Outcome; same: boolean }) => {
      take(outcome);
      if (!same) unequal.push(outcome.seed);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

let given = 0;
const next = (): number | undefined => (given < seeds ? from + given++ : undefined);
await Promise.all(Array.from({ length: workers }, () => work(next)));

const first = failed.toSorted((a, b) => a.seed - b.seed)[0];
if (values.brief) {
  console.log(JSON.stringify({ done, failed: first?.seed ?? null, problem: first?.problem }));
} else {
  report(first);
}
process.exitCode = first === undefined && unequal.length === 0 ? 0 : 1;

function report(failure: Outcome | undefined): void {
  if (failure !== undefined) {
    console.log(failure.tail.join('\n'));
    console.log(`\nseed ${failure.seed} failed: ${failure.problem}`);
    console.log(`again: npm run simulate -- --seeds 1 --from ${failure.seed}\n`);
  }
  console.log('\nfaults brought about');
  for (const kind of faultKinds) console.log(`${String(faults[kind]).padStart(9)}  ${kind}`);
  console.log('\ncovered');
  for (const line of coverageLines(counts)) console.log(line);
  if (repeatEvery > 0) {
    const verdict = unequal.length === 0 ? 'gave the same trace' : `DIFFERED: ${unequal}`;
    console.log(`\nevery ${repeatEvery}th seed was run twice and ${verdict}`);
  }
  console.log(`\n${done} seeds, ${failed.length} failed`);
}

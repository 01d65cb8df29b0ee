import { mkdirSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { allSteps, countsLine, countTests, run } from './steps.ts';

/**
 * `npm run verify`: everything that must hold. Runs every step even when one fails, so that all
 * failures are known at once; ends with code 1 when any did. `--only lint,types` picks steps,
 * `--seeds 100` shortens the simulation.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '1000' },
  },
});

const wanted = values.only?.split(',');
const steps = allSteps(Number(values.seeds)).filter(
  ({ name }) => wanted === undefined || wanted.some((start) => name.startsWith(start)),
);

rmSync('test-results', { recursive: true, force: true });
mkdirSync('test-results');

const rows: string[] = [];
let failures = 0;
for (const step of steps) {
  console.log(`\n=== ${step.name}`);
  const startedAt = performance.now();
  const ok = await run(step);
  if (!ok) failures++;
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  rows.push(`  ${ok ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(28)} ${seconds.padStart(7)} s`);
}

console.log(`\n${rows.join('\n')}\n`);
console.log(failures === 0 ? 'Everything holds.' : `${failures} of ${steps.length} steps failed.`);
console.log(countsLine(countTests(steps)));
process.exit(failures === 0 ? 0 : 1);

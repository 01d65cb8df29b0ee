import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export type Step = {
  readonly name: string;
  readonly command: readonly string[];
  /** Where Jest leaves what it counted. */
  readonly results?: string;
};

const resultsFolder = 'test-results';

/** Tiers whose tests start whole systems: one file after the other, nothing beside them. */
const alone = ['cluster', 'browser'];

/** Folders under test/ that hold no tests of their own. */
const notTiers = ['support', 'fixtures', 'mutants'];

const jest = [
  'node',
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

/** All that must hold, in the order from quick to slow. */
export function allSteps(seeds: number): Step[] {
  return [
    { name: 'format', command: ['biome', 'format', '.'] },
    { name: 'lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
    { name: 'types', command: ['tsc', '--noEmit'] },
    ...tiers().map(testStep),
    {
      name: `simulation, ${seeds} seeds`,
      command: ['node', 'test/simulation/simulate.ts', '--seeds', String(seeds)],
    },
    { name: 'mutants', command: ['node', 'test/mutants/mutants.ts'] },
  ];
}

function tiers(): string[] {
  const folders = readdirSync('test', { withFileTypes: true }).filter((e) => e.isDirectory());
  const names = folders.map(({ name }) => name).filter((name) => !notTiers.includes(name));
  const withTests = names.filter((name) =>
    readdirSync(join('test', name), { recursive: true, encoding: 'utf8' }).some((file) =>
      file.endsWith('.spec.ts'),
    ),
  );
  return [
    ...withTests.filter((n) => !alone.includes(n)),
    ...alone.filter((n) => withTests.includes(n)),
  ];
}

function testStep(tier: string): Step {
  const results = join(resultsFolder, `${tier}.json`);
  const flags = ['--json', `--outputFile=${results}`, ...(alone.includes(tier) ? ['-i'] : [])];
  return {
    name: `test/${tier}`,
    command: [...jest, ...flags, `${join('test', tier)}/`],
    results,
  };
}

/** Runs a step with its output on this terminal; whether it succeeded. */
export async function run({ command }: Step): Promise<boolean> {
  const [program = '', ...args] = command;
  const path = [join('node_modules', '.bin'), dirname(process.execPath), process.env.PATH ?? ''];
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path.join(delimiter) },
    shell: process.platform === 'win32',
  });
  const [code] = await once(child, 'exit');
  return code === 0;
}

export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** What Jest counted in all tiers that have run. A file that could not run counts as a failure. */
export function countTests(steps: readonly Step[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { results } of steps) {
    if (results === undefined) continue;
    if (!existsSync(results)) {
      total.failed++;
      continue;
    }
    const counted = JSON.parse(readFileSync(results, 'utf8'));
    total.passed += counted.numPassedTests;
    total.failed += counted.numFailedTests + counted.numRuntimeErrorTestSuites;
    total.skipped += counted.numPendingTests + counted.numTodoTests;
  }
  return total;
}

/** `Tests: 12 passed, 0 failed`, and what was skipped. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  const line = `Tests: ${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

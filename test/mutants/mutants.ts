/**
 * `npm run mutants -- [--seeds 600] [--only <part of a name>]`
 * Applies each small change to a copy of the source and runs the simulation there until a seed
 * fails. A change that no seed notices, or whose text is no longer found, fails the run: the tests
 * have lost a tooth. Exit code 1 then.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutants } from '#test/mutants/list.ts';
import type { Mutant } from '#test/mutants/mutant.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '600' },
    only: { type: 'string', default: '' },
    atOnce: { type: 'string', default: '2' },
  },
});

type Verdict = { readonly found: boolean; readonly text: string };

const root = join(import.meta.dirname, '..', '..');
const copied = [
  'actors',
  'adapters',
  'contracts',
  'domain',
  'flows',
  'services/bookings',
  'services/bundles',
  'broker/call.ts',
  'broker/reply.ts',
  'mixins/caller.ts',
  'test/simulation',
  'test/unit/flows/offers.ts',
  'package.json',
];
const timeLimitMs = 150_000;

/** Changes a copy of the source; answers what is wrong with the change, if anything is. */
function apply(mutant: Mutant, folder: string): string | undefined {
  for (const part of copied) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const { file, find, replace } of mutant.changes) {
    const path = join(folder, file);
    const parts = readFileSync(path, 'utf8').split(find);
    if (parts.length !== 2) return `its text stands ${parts.length - 1} times in ${file}`;
    writeFileSync(path, parts.join(replace));
  }
  return undefined;
}

/** Runs seeds until one fails. */
function simulate(folder: string): Promise<Verdict> {
  const args = ['test/simulation/simulate.ts', '--brief', '--workers', '1'];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, '--seeds', values.seeds],
      { cwd: folder, timeout: timeLimitMs },
      (error, stdout, stderr) => {
        if (error?.killed !== true) return resolve(verdictOf(stdout, stderr));
        return resolve({ found: false, text: `SURVIVED ${timeLimitMs / 1_000} s` });
      },
    );
  });
}

function verdictOf(stdout: string, stderr: string): Verdict {
  try {
    const { done, failed, problem } = JSON.parse(stdout) as {
      done: number;
      failed: number | null;
      problem?: string;
    };
    if (failed === null) return { found: false, text: `SURVIVED ${done} seeds` };
    return { found: true, text: `${String(done).padStart(3)} seeds: ${problem?.slice(0, 90)}` };
  } catch {
    // Only an invariant that breaks is a find: a copy that does not run proves nothing.
    return { found: false, text: `did not run: ${stderr.trim().split('\n').slice(-3).join(' ')}` };
  }
}

async function check(mutant: Mutant): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'usher-mutant-'));
  try {
    const wrong = apply(mutant, folder);
    const verdict = wrong === undefined ? await simulate(folder) : { found: false, text: wrong };
    console.log(`${verdict.found ? 'found' : 'NOT  '}  ${mutant.name.padEnd(46)} ${verdict.text}`);
    return verdict.found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const chosen = mutants.filter(({ name }) => name.includes(values.only));
const waiting = chosen.values();
let found = 0;
const work = async (): Promise<void> => {
  for (const mutant of waiting) if (await check(mutant)) found++;
};
await Promise.all(Array.from({ length: Number(values.atOnce) }, work));
console.log(`\n${found} of ${chosen.length} mutants found`);
process.exitCode = found === chosen.length && found > 0 ? 0 : 1;

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const models = new URL('../../docs/models/', import.meta.url).pathname;

const installed = ['spin', 'gcc'].every(
  (name) => spawnSync(name, ['--version']).error === undefined,
);
if (!installed && process.env.CI !== undefined) throw new Error('CI needs spin and gcc.');

/** Explores every state of the model; the number of errors found and of states seen. */
function check(
  folder: string,
  model: string,
  ...defines: readonly string[]
): { errors: number; states: number } {
  const at = { cwd: folder, stdio: 'pipe', encoding: 'utf8' } as const;
  execFileSync('spin', [...defines, '-a', join(models, model)], at);
  execFileSync(
    'gcc',
    ['-w', '-O2', '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=2000', '-o', 'pan', 'pan.c'],
    at,
  );
  const text = execFileSync(join(folder, 'pan'), ['-m300000'], { ...at, timeout: 120_000 });
  expect(text).not.toMatch(/max search depth too small|out of memory/);
  return {
    errors: Number(/errors: (\d+)/.exec(text)?.[1]),
    states: Number(/(\d+) states, stored/.exec(text)?.[1]),
  };
}

const describeModel = installed ? describe : describe.skip;

describeModel('the models of the core [need spin and gcc]', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'usher-model-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('journal: no fork, no lost answer, no untrue refusal with two owners', () => {
    const { errors, states } = check(folder, 'journal.pml');
    expect(errors).toBe(0);
    expect(states).toBeGreaterThan(100_000);
  });

  it('booking: money exactly where there are tickets, with two workers that may stop anywhere', () => {
    const { errors, states } = check(folder, 'booking.pml');
    expect(errors).toBe(0);
    expect(states).toBeGreaterThan(100_000);
  });

  it('forgetting: whoever claims has the whole state, whatever was emptied meanwhile', () => {
    const { errors, states } = check(folder, 'forgetting.pml');
    expect(errors).toBe(0);
    expect(states).toBeGreaterThan(100_000);
  });

  it.each([
    ['answers before the commit', 'journal.pml', '-DANSWER_EARLY'],
    ['a refusal from a stale majority read', 'journal.pml', '-DSTALE_REFUSAL'],
    ['silence taken for "not written"', 'journal.pml', '-DTRUST_SILENCE'],
    ['steps written without a version', 'booking.pml', '-DNO_VERSION'],
    ['an uncertain capture undone', 'booking.pml', '-DUNDO_UNCERTAIN'],
    ['a capture before the sale', 'booking.pml', '-DCAPTURE_FIRST'],
    ['a forgotten refusal', 'booking.pml', '-DFORGET_REFUSAL'],
    ['an emptied entry read as no facts', 'forgetting.pml', '-DEMPTY_IS_NOTHING'],
    ['a snapshot with a batch in flight', 'forgetting.pml', '-DSNAPSHOT_IN_FLIGHT'],
    ['bodies emptied above the snapshot', 'forgetting.pml', '-DCOMPACT_AHEAD'],
    ['keys deleted under a paused owner', 'forgetting.pml', '-DDELETE_EARLY'],
  ])('show the harm of %s', (_, model, define) => {
    expect(check(folder, model, define).errors).toBeGreaterThan(0);
  });
});

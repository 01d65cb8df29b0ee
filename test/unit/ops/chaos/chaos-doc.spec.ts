import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { runIn, runSection, withRun } from '#ops/chaos/document.ts';
import { allFaults } from '#ops/chaos/faults.ts';
import type { StoredReport } from '#ops/chaos/report.ts';

const document = readFileSync('docs/chaos.md', 'utf8');
const file = 'bench/results/chaos.json';
/** The report of the repository; a local run leaves another one in its place. */
const report: StoredReport = JSON.parse(
  existsSync('.git')
    ? execFileSync('git', ['show', `:${file}`], { encoding: 'utf8' })
    : readFileSync(file, 'utf8'),
);

describe('docs/chaos.md', () => {
  it('names every fault', () => {
    expect(allFaults.filter(({ name }) => !document.includes(`\`${name}\``))).toEqual([]);
  });

  it('tells the run whose report is in the repository', () => {
    expect(runIn(document)).toBe(runSection(report));
  });

  it('is written with the figures of another run', () => {
    const other = { ...report, operations: 1_234_567, violations: ['order: a seat'] };
    const told = runIn(withRun(document, other));
    expect(told).toContain(`${report.rounds} rounds, 1 234 567 operations`);
    expect(told).toContain('checked, 1 violations');
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { allFaults } from '#ops/chaos/faults.ts';

const document = readFileSync('docs/chaos.md', 'utf8');
const file = 'bench/results/chaos.json';
/** The report of the repository; a local run leaves another one in its place. */
const report = JSON.parse(
  existsSync('.git')
    ? execFileSync('git', ['show', `:${file}`], { encoding: 'utf8' })
    : readFileSync(file, 'utf8'),
);
const spaced = (n: number): string => n.toLocaleString('en-US').replaceAll(',', ' ');

describe('docs/chaos.md', () => {
  it('names every fault', () => {
    expect(allFaults.filter(({ name }) => !document.includes(`\`${name}\``))).toEqual([]);
  });

  it('quotes the report of the repository', () => {
    const { operations, rounds, journalEntries, linearizable, commit, seed } = report;
    expect(document).toContain(`seed ${seed} at commit ${commit}`);
    expect(document).toContain(`${rounds} rounds, ${spaced(operations)} operations`);
    expect(document).toContain(`${spaced(journalEntries)} journal entries`);
    expect(document).toContain(`${spaced(linearizable.operations)} steps`);
    expect(document).toContain(`checked, ${report.violations.length} violations`);
    const { claimed, accepts } = report.handOversMs;
    expect(document).toContain(`${claimed.p50} ms (p50) and ${claimed.p99} ms (p99)`);
    expect(document).toContain(`first hold after ${accepts.p50} ms and ${accepts.p99} ms`);
  });

  it('quotes its recoveries', () => {
    type Row = { fault: string; events: number; p50Ms: number; p99Ms: number };
    const rows = new Map<string, Row>(report.recoveries.map((row: Row) => [row.fault, row]));
    const quoted = [...document.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (\d+) \| (\d+) \|$/gm)];
    expect(quoted.length).toBeGreaterThan(3);
    for (const [, fault = '', ...figures] of quoted) {
      const row = rows.get(fault);
      const measured = [row?.events ?? 0, row?.p50Ms ?? 0, row?.p99Ms ?? 0];
      expect([fault, ...figures]).toEqual([fault, ...measured.map((n) => n.toFixed(0))]);
    }
  });
});

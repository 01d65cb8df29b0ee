import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readDocument, sectionOf, sectionsIn, withFigures } from '#bench/report/document.ts';
import { otherResults, readResults } from '#bench/report/results.ts';
import type { Result } from '#bench/support/results.ts';

/** Suites whose results are part of the repository; a local run leaves others in the folder. */
function committedSuites(): string[] {
  if (!existsSync('.git')) return readResults().map(({ suite }) => suite);
  const listed = execFileSync('git', ['ls-files', 'bench/results/*.json'], { encoding: 'utf8' });
  const names = [...listed.matchAll(/bench\/results\/(.+)\.json/g)].map(([, name = '']) => name);
  return names.filter((name) => !otherResults.includes(name));
}

describe('docs/performance.md', () => {
  const sections = sectionsIn(readDocument());
  const results = new Map(readResults().map((result) => [result.suite, result]));

  it('quotes nothing but what a result says', () => {
    for (const [suite, section] of sections) {
      const result = results.get(suite);
      expect(result === undefined ? `no result of ${suite}` : sectionOf(result)).toBe(section);
    }
  });

  it('has every result of the repository', () => {
    expect(committedSuites().filter((suite) => !sections.has(suite))).toEqual([]);
  });

  it('changes with a figure', () => {
    const figure = (median: number) => ({ min: 1, median, max: 9 });
    const result = (median: number): Result => ({
      suite: 'made-up',
      settings: {},
      at: '2026-01-02T03:04:05.678Z',
      commit: 'abc',
      machine: { cpu: 'a CPU', cores: 2, memoryGb: 4 },
      node: 'v24.0.0',
      durability: 'journaled',
      generator: 'closed loop',
      rows: [{ name: 'a row', perSecond: figure(median), honest: true }],
      bars: [{ id: 'P0', what: 'a second', least: 5 }],
    });
    const [low, high] = [result(4), result(6)].map(sectionOf);
    expect(low).toContain('| a row | 1 / 4 / 9 | yes |');
    expect(low).toContain('| P0 | a row | at least 5 a second | 4 | **falls short** |');
    expect(high).toContain('| P0 | a row | at least 5 a second | 6 | holds |');
    const written = withFigures(readDocument(), [result(6)]);
    expect(sectionsIn(written)).toEqual(new Map([['made-up', high]]));
  });
});

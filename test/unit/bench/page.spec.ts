import { expect, it } from '@jest/globals';
import { pageOf } from '#bench/report/page.ts';
import type { Result } from '#bench/support/results.ts';

const spread = { min: 1, median: 20, max: 300 };
const result: Result = {
  suite: 'made-up',
  settings: { runs: 5 },
  at: '2026-01-02T03:04:05.678Z',
  commit: 'abc',
  machine: { cpu: 'a <CPU>', cores: 2, memoryGb: 4 },
  node: 'v24.0.0',
  durability: 'journaled',
  generator: 'closed loop',
  rows: [{ name: 'one & only', perSecond: spread, p99Ms: spread, honest: true }],
  bars: [{ id: 'P0', what: 'ms', figure: 'p99Ms', most: 5 }],
};

it('shows a table, a chart for each figure with its bar, and what falls short', () => {
  const page = pageOf([result]);
  expect(page.match(/<svg /g)).toHaveLength(2);
  expect(page.match(/class="target" x1=/g)).toHaveLength(1);
  expect(page).toContain('P0: one &amp; only reaches 20, wanted at most 5 ms: falls short');
  expect(page).toContain('a &lt;CPU&gt;');
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

it('needs nothing from elsewhere', () => {
  expect(pageOf([result])).not.toMatch(/<script|<link|src=|https?:/);
});

it('says when there is nothing to show', () => {
  expect(pageOf([])).toContain('There are no results');
});

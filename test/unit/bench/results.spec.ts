import { describe, expect, it } from '@jest/globals';
import { type Figures, short, shortfalls, tableOf, verdicts } from '#bench/support/results.ts';

const flat = (n: number) => ({ min: n, median: n, max: n });
const rate = (name: string, perSecond: number, p99Ms: number) => ({
  name,
  perSecond: flat(perSecond),
  p50Ms: flat(p99Ms / 2),
  p99Ms: flat(p99Ms),
  honest: true,
});

const figures: Figures = {
  suite: 'made-up',
  settings: {},
  rows: [rate('ours', 600, 20), rate('theirs', 100, 9), rate('others', 50, 9)],
};

describe('a bar', () => {
  it('of a rate is at least so much, for the rows it names', () => {
    const bar = { id: 'P1', what: 'holds/s', least: 700 };
    expect(shortfalls({ ...figures, bar, barRows: ['ours'] })).toEqual([
      'ours falls short of P1: 600, not at least 700 holds/s',
    ]);
    expect(shortfalls({ ...figures, bar: { ...bar, least: 50 } })).toEqual([]);
  });

  it('of a latency is at most so much', () => {
    const bar = { id: 'P1', what: 'ms', figure: 'p99Ms', most: 10 };
    expect(shortfalls({ ...figures, bars: [bar] })).toEqual([
      'ours falls short of P1: 20, not at most 10 ms',
    ]);
  });

  it('may be a ratio to the strongest of others', () => {
    const bar = { id: 'P1', what: 'times', rows: ['ours'], over: ['theirs', 'others'], least: 6 };
    expect(verdicts({ ...figures, bars: [bar] })).toMatchObject([{ reached: 6, holds: true }]);
    const more = { ...bar, least: 7 };
    expect(verdicts({ ...figures, bars: [more] })).toMatchObject([{ holds: false }]);
  });

  it('is missed by a row that is not there or lacks the figure', () => {
    const bars = [
      { id: 'P1', what: 'a second', rows: ['nobody'], least: 0 },
      { id: 'P2', what: 'bytes', figure: 'bytesPerSeat', rows: ['ours'], most: 250 },
    ];
    expect(shortfalls({ ...figures, bars })).toEqual([
      'nobody falls short of P1: nothing, not at least 0 a second',
      'ours falls short of P2: nothing, not at most 250 bytes',
    ]);
  });

  it('counts for nothing when answers and store disagree', () => {
    const rows = [{ name: 'ours', honest: false }];
    expect(shortfalls({ ...figures, rows })).toEqual([
      'ours: answers and store disagree; the run scores nothing',
    ]);
  });
});

it('shows every figure that some row has', () => {
  const rows = [{ name: 'a', figures: { bytesPerSeat: flat(123.4) }, honest: true }];
  expect(tableOf({ ...figures, rows })).toEqual([
    ['min / median / max', 'bytes per seat', 'adds up'],
    ['a', '123 / 123 / 123', 'yes'],
  ]);
  expect([0, 0.01234, 5.678, 56.78, 5_678].map(short)).toEqual([
    '0',
    '0.0123',
    '5.68',
    '56.8',
    '5678',
  ]);
});

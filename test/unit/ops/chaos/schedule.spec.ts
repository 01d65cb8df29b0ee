import { describe, expect, it } from '@jest/globals';
import { schedule } from '#ops/chaos/schedule.ts';

const names = ['a', 'b', 'c', 'd', 'e'];

const rounds = (seed: number, count: number) =>
  schedule(names, seed, [100, 200]).take(count).toArray();

describe('a schedule of faults', () => {
  it('is the same for the same seed, another for another', () => {
    expect(rounds(7, 50)).toEqual(rounds(7, 50));
    expect(rounds(7, 50)).not.toEqual(rounds(8, 50));
  });

  it('draws every fault about equally often', () => {
    const drawn = rounds(7, 200).flatMap(({ faults }) => faults);
    const counts = names.map((name) => drawn.filter((fault) => fault === name).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(counts.length * 4);
    expect(Math.min(...counts)).toBeGreaterThan(30);
  });

  it('lets two faults meet now and then, and keeps its pauses', () => {
    const some = rounds(7, 200);
    expect(some.some(({ faults }) => faults.length === 2)).toBe(true);
    expect(some.every(({ quietMs }) => quietMs >= 100 && quietMs <= 200)).toBe(true);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { split } from '#domain/split.ts';

describe('split', () => {
  it('divides without a rest, each part within one unit of its exact share', () => {
    const weights = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), weights, (amount, w) => {
        const parts = split(amount, w);
        expect(parts.reduce((a, b) => a + b, 0)).toBe(amount);
        const sum = w.reduce((a, b) => a + b, 0);
        parts.forEach((part, i) => {
          const exact = sum === 0 ? amount / w.length : (amount * (w[i] ?? 0)) / sum;
          expect(Math.abs(part - exact)).toBeLessThanOrEqual(1);
        });
      }),
    );
  });

  it('is exact where a product exceeds what a number holds', () => {
    const large = fc.integer({ min: 0, max: 2 ** 52 });
    fc.assert(
      fc.property(large, fc.array(large, { minLength: 1, maxLength: 8 }), (amount, w) => {
        const parts = split(amount, w);
        expect(parts.reduce((a, b) => a + BigInt(b), 0n)).toBe(BigInt(amount));
      }),
    );
  });

  it('keeps to the step of a currency', () => {
    expect(split(100, [1, 1, 1], 10)).toEqual([40, 30, 30]);
    expect(split(-100, [2, 1], 10)).toEqual([-70, -30]);
    expect(split(5, [1, 1], 10)).toEqual([3, 2]);
  });

  it('gives the odd units to the first of equals', () => {
    expect(split(5, [1, 1, 1])).toEqual([2, 2, 1]);
    expect(split(0, [3, 4])).toEqual([0, 0]);
  });
});

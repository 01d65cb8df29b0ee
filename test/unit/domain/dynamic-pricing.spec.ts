import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type PriceMoment,
  type PriceRule,
  priceBy,
  priceMoves,
  pricingMistakes,
} from '#domain/dynamic-pricing.ts';

const startsAt = 1_800_000_000_000;
const hour = 3_600_000;
const rule = (change: Partial<PriceRule> = {}): PriceRule => ({
  category: 'A',
  base: 5_000,
  floor: 4_000,
  ceiling: 8_000,
  bySold: [
    { from: 0, basisPoints: -1_000 },
    { from: 5_000, basisPoints: 2_000 },
    { from: 9_000, basisPoints: 9_000 },
  ],
  byTime: [
    { hours: 48, basisPoints: 500 },
    { hours: 2, basisPoints: -6_000 },
  ],
  roundTo: 1,
  ...change,
});
const at = (change: Partial<PriceMoment> = {}): PriceMoment => ({
  sold: 0,
  places: 100,
  startsAt,
  now: startsAt - 100 * hour,
  ...change,
});
const price = (moment: Partial<PriceMoment>, change: Partial<PriceRule> = {}) =>
  priceBy(rule(change), at(moment));

describe('a price that moves by itself', () => {
  it('follows what is sold, in the last step that is reached', () => {
    expect(price({ sold: 0 }).amount).toBe(4_500);
    expect(price({ sold: 49 }).amount).toBe(4_500);
    expect(price({ sold: 50 }).amount).toBe(6_000);
    expect(price({ sold: 89 }).amount).toBe(6_000);
  });

  it('adds what the time left to the beginning says', () => {
    expect(price({ sold: 50, now: startsAt - 48 * hour - 1 }).amount).toBe(6_000);
    expect(price({ sold: 50, now: startsAt - 48 * hour }).amount).toBe(6_250);
  });

  it('says why, step by step', () => {
    expect(price({ sold: 62, now: startsAt - 10 * hour }, { roundTo: 500 })).toEqual({
      amount: 6_500,
      because: [
        { by: 'base', amount: 5_000, says: 'The base price' },
        { by: 'sold', amount: 6_000, says: '62 % sold, 50 % reached: +20 %' },
        { by: 'time', amount: 6_250, says: 'At most 48 h to the beginning: +5 %' },
        { by: 'rounding', amount: 6_500, says: 'Rounded to 500' },
      ],
    });
  });

  it('stops at its ceiling and its floor', () => {
    const high = price({ sold: 95 });
    expect([high.amount, high.because.at(-1)?.by]).toEqual([8_000, 'ceiling']);
    const low = price({ now: startsAt - hour });
    expect([low.amount, low.because.at(-1)?.by]).toEqual([4_000, 'floor']);
  });

  it('is what was set by hand, if anything was', () => {
    expect(price({ sold: 95 }, { manual: 4_200 })).toEqual({
      amount: 4_200,
      because: [{ by: 'manual', amount: 4_200, says: 'Set by hand' }],
    });
    expect(price({ sold: 50 }, { manual: null }).amount).toBe(6_000);
  });

  it('has a share even where there is no place', () => {
    expect(price({ sold: 0, places: 0 }).amount).toBe(4_500);
  });

  it('never leaves floor and ceiling, is the last reason, and is the same again', () => {
    const rate = fc.integer({ min: -10_000, max: 100_000 });
    const step = fc.record({ from: fc.nat(10_000), basisPoints: rate });
    const time = fc.record({ hours: fc.nat(1_000), basisPoints: rate });
    const any = fc
      .record({
        bounds: fc.tuple(fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(1_000_000)),
        bySold: fc.array(step, { maxLength: 5 }),
        byTime: fc.array(time, { maxLength: 5 }),
        roundTo: fc.integer({ min: 1, max: 5_000 }),
        manual: fc.option(fc.nat(2_000_000)),
      })
      .map(({ bounds, ...rest }) => {
        const [floor = 0, base = 0, ceiling = 0] = [...bounds].sort((a, b) => a - b);
        return { category: 'A', floor, base, ceiling, ...rest };
      });
    const moment = fc.record({
      sold: fc.nat(1_000),
      places: fc.nat(1_000),
      startsAt: fc.constant(startsAt),
      now: fc.integer({ min: startsAt - 2_000 * hour, max: startsAt + hour }),
    });
    fc.assert(
      fc.property(any, moment, (own, when) => {
        const { amount, because } = priceBy(own, when);
        expect(Number.isSafeInteger(amount)).toBe(true);
        expect(amount).toBeGreaterThanOrEqual(own.floor);
        expect(amount).toBeLessThanOrEqual(own.ceiling);
        expect(because.at(-1)?.amount).toBe(amount);
        expect(priceBy(own, when)).toEqual({ amount, because });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('prices of an event', () => {
  const prices = [
    { category: 'A', amount: 5_000 },
    { category: 'B', amount: 3_000 },
  ];

  it('change where a rule says another price, and nowhere else', () => {
    const event = { prices, pricing: [rule()] };
    const moves = priceMoves(event, () => at({ sold: 50 }));
    expect(moves).toMatchObject([{ category: 'A', from: 5_000, to: 6_000 }]);
    const after = { ...event, prices: [{ category: 'A', amount: 6_000 }] };
    expect(priceMoves(after, () => at({ sold: 50 }))).toEqual([]);
  });

  it('need rules that make sense', () => {
    const paths = (change: Partial<PriceRule>, currency = 'EUR') =>
      pricingMistakes({ currency, prices }, [rule(change)]).map(({ path }) => path.slice(10));
    expect(paths({})).toEqual([]);
    expect(paths({ category: 'C' })).toEqual(['category']);
    expect(paths({ floor: 5_500 })).toEqual(['base', 'floor']);
    expect(paths({ manual: 9_000 })).toEqual(['manual']);
    expect(
      paths({
        bySold: [
          { from: 5, basisPoints: 1 },
          { from: 5, basisPoints: 2 },
        ],
      }),
    ).toEqual(['bySold']);
    expect(
      paths({
        byTime: [
          { hours: 1, basisPoints: 1 },
          { hours: 2, basisPoints: 2 },
        ],
      }),
    ).toEqual(['byTime']);
    expect(paths({ floor: 4_005 }, 'KWD')).toEqual(['floor', 'roundTo']);
    const two = pricingMistakes({ currency: 'EUR', prices }, [rule(), rule()]);
    expect(two.map(({ path }) => path)).toEqual(['pricing.1.category']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { codeOf, dataOf } from '#domain/errors.ts';
import { assertPromo, type Promo, promoKey, promoMistakes } from '#domain/promo.ts';
import { promoOf } from '#test/unit/flows/offers.ts';

const now = 1_800_000_000_000;
const use = { eventId: 'evt_1', currency: 'EUR', categories: ['A', 'A', 'B'], now };
const unused = { inAll: 0, byBuyer: 0 };

/** The code and data of the refusal; undefined: it may be used. */
const refusal = (change: Partial<Promo>, uses = unused): unknown => {
  try {
    assertPromo(promoOf(change), use, uses);
    return undefined;
  } catch (error) {
    return [codeOf(error), dataOf(error)];
  }
};

describe('a promo code', () => {
  it('is the same whatever its case and outer blanks', () => {
    expect(promoKey('  early Bird')).toBe(promoKey('EARLY BIRD '));
    expect(promoKey('ｅarly')).toBe('EARLY');
  });

  it('may be used within its window, from its first moment to before its last', () => {
    expect(refusal({ validFrom: now, validTo: now + 1 })).toBeUndefined();
    const from = new Date(now + 1).toISOString();
    expect(refusal({ validFrom: now + 1 })).toEqual(['promo-code-inactive', { from }]);
    const to = new Date(now).toISOString();
    expect(refusal({ validTo: now })).toEqual(['promo-code-inactive', { to }]);
    expect(refusal({ disabled: true })).toEqual(['promo-code-inactive', {}]);
  });

  it('is for its events, currency and categories, and for enough tickets of these', () => {
    expect(refusal({ eventIds: ['evt_1'], categories: ['B'], currency: 'EUR' })).toBeUndefined();
    const code = 'promo-code-not-applicable';
    expect(refusal({ eventIds: ['evt_2'] })).toEqual([code, {}]);
    expect(refusal({ currency: 'JPY' })).toEqual([code, { currency: 'JPY' }]);
    expect(refusal({ categories: ['C'] })).toEqual([code, { categories: ['C'] }]);
    expect(refusal({ categories: ['A'], ticketsMin: 2 })).toBeUndefined();
    expect(refusal({ categories: ['A'], ticketsMin: 3 })).toEqual([code, { ticketsMin: 3 }]);
  });

  it('is used up in all, or by one buyer', () => {
    const limited = { redemptionsMax: 5, perBuyerMax: 1 };
    expect(refusal(limited, { inAll: 4, byBuyer: 0 })).toBeUndefined();
    const used = (limit: string) => ['promo-code-used-up', { limit }];
    expect(refusal(limited, { inAll: 5, byBuyer: 0 })).toEqual(used('total'));
    expect(refusal(limited, { inAll: 1, byBuyer: 1 })).toEqual(used('buyer'));
  });

  it('must make sense', () => {
    const paths = (change: Partial<Promo>) => promoMistakes(promoOf(change)).map((m) => m.path);
    expect(paths({})).toEqual([]);
    expect(paths({ validFrom: 2, validTo: 2 })).toEqual(['validTo']);
    expect(paths({ off: { by: 'per-ticket', amount: 100 } })).toEqual(['currency']);
    const inFils = { off: { by: 'per-booking', amount: 105 }, currency: 'KWD' } as const;
    expect(paths(inFils)).toEqual(['off.amount']);
    expect(paths({ currency: 'EURO' })).toEqual(['currency']);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type PriceTerms, quoteFor } from '#domain/pricing.ts';

const terms = (change: Partial<PriceTerms> = {}): PriceTerms => ({
  currency: 'EUR',
  prices: { front: 5_000, back: 3_333 },
  fees: [],
  taxes: [],
  ...change,
});

describe('a quote', () => {
  it('has a line per category in the order of their names', () => {
    expect(quoteFor(terms(), { front: 1, back: 2 })).toEqual({
      currency: 'EUR',
      lines: [
        { category: 'back', quantity: 2, unitAmount: 3_333, amount: 6_666 },
        { category: 'front', quantity: 1, unitAmount: 5_000, amount: 5_000 },
      ],
      fees: 0,
      taxes: 0,
      total: 11_666,
    });
  });

  it('rounds every fee per ticket, halves up', () => {
    const fees = [
      { name: 'booking', perTicket: 150, basisPoints: 0 },
      { name: 'service', perTicket: 0, basisPoints: 150 },
    ];
    // 1.5 % of 33.33 is 0.49995: 50 cents a ticket.
    expect(quoteFor(terms({ fees }), { back: 3 })).toMatchObject({ fees: 600, total: 10_599 });
    const half = [{ name: 'half', perTicket: 0, basisPoints: 5_000 }];
    expect(quoteFor(terms({ prices: { a: 1 }, fees: half }), { a: 3 }).fees).toBe(3);
  });

  it('contains an included tax and adds another', () => {
    const included = [{ name: 'VAT', basisPoints: 1_900, included: true }];
    expect(quoteFor(terms({ taxes: included }), { front: 1 })).toMatchObject({
      taxes: 798,
      total: 5_000,
    });
    const added = [{ name: 'sales tax', basisPoints: 825, included: false }];
    expect(quoteFor(terms({ taxes: added }), { front: 1 })).toMatchObject({
      taxes: 413,
      total: 5_413,
    });
  });

  it('throws for a category without a price', () => {
    expect(() => quoteFor(terms(), { middle: 1 })).toThrow(RangeError);
  });

  it('always charges lines, fees and added taxes, in whole minor units', () => {
    const rate = fc.nat(3_000);
    const fee = fc.record({ name: fc.constant('f'), perTicket: fc.nat(999), basisPoints: rate });
    const tax = fc.record({ name: fc.constant('t'), basisPoints: rate, included: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fee, { maxLength: 3 }),
        fc.array(tax, { maxLength: 3 }),
        fc.nat(1_000_000),
        fc.integer({ min: 1, max: 8 }),
        (fees, taxes, price, quantity) => {
          const quote = quoteFor(terms({ prices: { a: price }, fees, taxes }), { a: quantity });
          const base = price * quantity + quote.fees;
          expect(Number.isSafeInteger(quote.total)).toBe(true);
          expect(quote.total).toBeGreaterThanOrEqual(base);
          if (taxes.every((t) => t.included)) expect(quote.total).toBe(base);
          if (taxes.every((t) => !t.included)) expect(quote.total).toBe(base + quote.taxes);
          expect(quote.taxes).toBeLessThanOrEqual(base);
        },
      ),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { discounted } from '#domain/discount.ts';
import { stepOf } from '#domain/money.ts';
import { toProviderAmount } from '#domain/payment.ts';
import { type PriceTerms, type Quote, quoteFor } from '#domain/pricing.ts';
import type { PromoOff } from '#domain/promo.ts';
import { issueTickets, sumOf } from '#domain/ticket.ts';

const promo = (off: PromoOff, categories: readonly string[] | null = null) => ({
  code: 'EARLY',
  off,
  categories,
});
const tenth = { by: 'percent', basisPoints: 1_000 } as const;

const terms = (change: Partial<PriceTerms> = {}): PriceTerms => ({
  currency: 'EUR',
  prices: { front: 5_000, back: 3_333 },
  fees: [{ name: 'booking', perTicket: 150, basisPoints: 0 }],
  taxes: [],
  ...change,
});

const linesOf = ({ lines }: Quote): number => lines.reduce((sum, { amount }) => sum + amount, 0);

describe('a discount', () => {
  const quote = quoteFor(terms(), { front: 1, back: 2 });

  it('takes a rate off each ticket, halves up, and leaves lines and fees as quoted', () => {
    const after = discounted(quote, promo(tenth));
    expect(after.discount).toEqual({
      code: 'EARLY',
      off: tenth,
      amount: 2 * 333 + 500,
      lines: [
        { category: 'back', amount: 666 },
        { category: 'front', amount: 500 },
      ],
    });
    expect([after.lines, after.fees]).toEqual([quote.lines, quote.fees]);
    expect(after.total).toBe(quote.total - 1_166);
  });

  it('takes an amount off each ticket, and never more than it costs', () => {
    const after = discounted(quote, promo({ by: 'per-ticket', amount: 4_000 }));
    expect(after.discount?.amount).toBe(2 * 3_333 + 4_000);
    expect(after.total).toBe(1_000 + 3 * 150);
  });

  it('takes an amount off the booking once, divided over its lines', () => {
    const after = discounted(quote, promo({ by: 'per-booking', amount: 1_001 }));
    expect(after.discount).toMatchObject({
      amount: 1_001,
      lines: [{ amount: 572 }, { amount: 429 }],
    });
    const all = discounted(quote, promo({ by: 'per-booking', amount: 99_999 }));
    expect(all.total).toBe(quote.fees);
  });

  it('is off its own categories alone', () => {
    const after = discounted(quote, promo({ by: 'percent', basisPoints: 10_000 }, ['front']));
    expect(after.discount?.lines).toEqual([{ category: 'front', amount: 5_000 }]);
    expect(after.total).toBe(2 * 3_333 + 3 * 150);
  });

  it('re-works contained and added taxes in proportion', () => {
    const taxes = [
      { name: 'VAT', basisPoints: 2_000, included: true },
      { name: 'city', basisPoints: 500, included: false },
    ];
    const before = quoteFor(terms({ fees: [], taxes }), { front: 1 });
    expect([before.taxes, before.total]).toEqual([833 + 250, 5_250]);
    const after = discounted(before, promo({ by: 'per-ticket', amount: 2_500 }));
    expect([after.taxes, after.total]).toEqual([417 + 125, 2_625]);
  });

  it('of the whole price needs no payment', () => {
    const free = quoteFor(terms({ fees: [] }), { front: 2 });
    const after = discounted(free, promo({ by: 'percent', basisPoints: 10_000 }));
    expect([after.total, after.taxes]).toEqual([0, 0]);
  });
});

describe('prices in yen, fils and cents', () => {
  const of = (currency: string, price: number, perTicket: number): PriceTerms =>
    terms({
      currency,
      prices: { a: price },
      fees: [
        { name: 'booking', perTicket, basisPoints: 0 },
        { name: 'service', perTicket: 0, basisPoints: 333 },
      ],
      taxes: [{ name: 'tax', basisPoints: 825, included: false }],
    });

  it.each([
    // 2 × (1 000 + 30 + 33); 8.25 % of 2 126 is 175.4.
    ['JPY', 1_000, 30, { fees: 126, taxes: 175, total: 2_301 }],
    // Cards are charged in tens of fils: the fee is 419.58 → 420, the tax 2 214.3 → 2 210.
    ['KWD', 12_600, 400, { fees: 1_640, taxes: 2_210, total: 29_050 }],
    ['EUR', 1_260, 40, { fees: 164, taxes: 221, total: 2_905 }],
  ])('are rounded to what %s can be charged in', (currency, price, fee, expected) => {
    const quote = quoteFor(of(currency, price, fee), { a: 2 });
    expect(quote).toMatchObject(expected);
    const after = discounted(quote, promo({ by: 'percent', basisPoints: 777 }));
    for (const amount of [quote.total, after.total]) {
      expect(toProviderAmount({ amount, currency })).toBe(amount);
    }
  });

  it('stay chargeable, whole and complete through discount and tickets', () => {
    const currency = fc.constantFrom('JPY', 'KWD', 'EUR', 'MGA', 'ISK');
    const off = fc.oneof(
      fc
        .integer({ min: 1, max: 10_000 })
        .map((basisPoints) => ({ by: 'percent', basisPoints }) as const),
      fc.record({
        by: fc.constantFrom('per-ticket' as const, 'per-booking' as const),
        amount: fc.integer({ min: 1, max: 200_000 }),
      }),
    );
    const rate = fc.nat(3_000);
    const fee = fc.record({ name: fc.constant('f'), perTicket: fc.nat(99), basisPoints: rate });
    const tax = fc.record({ name: fc.constant('t'), basisPoints: rate, included: fc.boolean() });
    const counts = fc.record({ a: fc.nat(4), b: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(
        currency,
        fc.tuple(fc.nat(100_000), fc.nat(100_000)),
        fc.array(fee, { maxLength: 2 }),
        fc.array(tax, { maxLength: 3 }),
        counts,
        off,
        fc.constantFrom(null, ['a'], ['b']),
        (code, [a, b], rawFees, taxes, wanted, rawOff, categories) => {
          const step = stepOf(code);
          const fees = rawFees.map((f) => ({ ...f, perTicket: f.perTicket * step }));
          const prices = { a: a * step, b: b * step };
          const own = 'amount' in rawOff ? { ...rawOff, amount: rawOff.amount * step } : rawOff;
          const quote = quoteFor({ currency: code, prices, fees, taxes }, wanted);
          const after = discounted(quote, promo(own, categories));
          const taken = after.discount?.amount ?? 0;
          expect(taken).toBeGreaterThanOrEqual(0);
          expect(taken).toBeLessThanOrEqual(linesOf(quote));
          expect(after.discount?.lines.reduce((sum, l) => sum + l.amount, 0)).toBe(taken);
          expect(after.total).toBeLessThanOrEqual(quote.total);
          expect(after.total).toBeGreaterThanOrEqual(linesOf(quote) - taken + quote.fees);
          expect(after.taxes).toBeLessThanOrEqual(quote.taxes + 2);
          expect([after.total % step, taken % step]).toEqual([0, 0]);
          const categoriesOf = Object.entries(wanted).flatMap(([c, n]) => Array<string>(n).fill(c));
          const tickets = issueTickets({
            bookingId: 'bkg_1',
            eventId: 'evt_1',
            buyerId: 'usr_1',
            seats: categoriesOf.map((category, i) => ({ id: `s${i}`, category })),
            places: categoriesOf.map((_, i) => i),
            ticketIds: categoriesOf.map((_, i) => `tkt_${i}`),
            attendees: [],
            quote: after,
          });
          const { paid, shares } = sumOf(tickets);
          expect(paid).toBe(after.total);
          expect([shares.fees, shares.taxes]).toEqual([after.fees, after.taxes]);
          expect(shares.organizer + shares.fees + shares.taxes).toBe(paid);
          for (const ticket of tickets) {
            expect(ticket.paid).toBeGreaterThanOrEqual(0);
            expect(ticket.paid % step).toBe(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Package,
  type PackagePrice,
  packageQuotes,
  packageStateAt,
  packageTotal,
} from '#domain/package.ts';
import { quoteFor } from '#domain/pricing.ts';
import { issueTickets, sumOf } from '#domain/ticket.ts';

const offer: Package = {
  packageId: 'pkg_1',
  organizerId: 'org_1',
  name: 'A season',
  currency: 'EUR',
  events: [],
  price: { by: 'discount', basisPoints: 1_000 },
  opensAt: 100,
  closesAt: 200,
  limit: 2,
  taken: 0,
  divisible: false,
  disabled: false,
};

describe('the sale of a package', () => {
  it.each([
    [offer, 99, 'scheduled'],
    [offer, 100, 'on-sale'],
    [offer, 200, 'closed'],
    [{ ...offer, taken: 2 }, 150, 'sold-out'],
    [{ ...offer, taken: 2, limit: null }, 150, 'on-sale'],
    [{ ...offer, disabled: true }, 150, 'disabled'],
    [{ ...offer, opensAt: null, closesAt: null }, 500, 'on-sale'],
  ] as const)('%# is told', (what, now, state) => {
    expect(packageStateAt(what, now)).toBe(state);
  });
});

describe('the price of a package', () => {
  it('is less by its discount, half a unit for the buyer', () => {
    expect(packageTotal(offer, 2, 8_001)).toBe(7_201);
    expect(packageTotal({ ...offer, price: { by: 'discount', basisPoints: 5_000 } }, 1, 1)).toBe(0);
    expect(packageTotal({ ...offer, price: { by: 'discount', basisPoints: 10_000 } }, 1, 77)).toBe(
      0,
    );
  });

  it('is fixed for each, but never more than its tickets by themselves', () => {
    expect(packageTotal({ ...offer, price: { by: 'fixed', amount: 3_000 } }, 2, 8_000)).toBe(6_000);
    expect(packageTotal({ ...offer, price: { by: 'fixed', amount: 5_000 } }, 2, 8_000)).toBe(8_000);
  });

  const price: fc.Arbitrary<PackagePrice> = fc.oneof(
    fc.record({
      by: fc.constant('discount' as const),
      basisPoints: fc.integer({ min: 0, max: 10_000 }),
    }),
    fc.record({ by: fc.constant('fixed' as const), amount: fc.integer({ min: 0, max: 100_000 }) }),
  );
  const quote = fc
    .record({
      prices: fc.record({ a: fc.nat(50_000), b: fc.nat(50_000) }),
      counts: fc.record({ a: fc.integer({ min: 1, max: 4 }), b: fc.nat(4) }),
      fee: fc.record({ perTicket: fc.nat(500), basisPoints: fc.nat(2_000) }),
      tax: fc.record({ basisPoints: fc.nat(3_000), included: fc.boolean() }),
    })
    .map(({ prices, counts, fee, tax }) => {
      const terms = { currency: 'EUR', prices, fees: [{ name: 'fee', ...fee }] };
      return quoteFor({ ...terms, taxes: [{ name: 'tax', ...tax }] }, counts);
    });

  it('divides exactly over events and tickets, with their fees and taxes', () => {
    fc.assert(
      fc.property(price, fc.array(quote, { minLength: 2, maxLength: 10 }), (own, quotes) => {
        const separately = quotes.reduce((sum, { total }) => sum + total, 0);
        const quantity = 2;
        const parts = packageQuotes({ ...offer, price: own }, quantity, quotes);
        const total = parts.reduce((sum, part) => sum + part.total, 0);
        expect(total).toBe(packageTotal({ ...offer, price: own }, quantity, separately));
        expect(total).toBeLessThanOrEqual(separately);
        for (const [i, part] of parts.entries()) {
          const alone = quotes[i]?.total ?? 0;
          expect(part.total).toBeGreaterThanOrEqual(0);
          expect(part.total).toBeLessThanOrEqual(alone);
          // Within one unit of its share of the whole.
          const share = separately === 0 ? 0 : (alone * total) / separately;
          expect(Math.abs(part.total - share)).toBeLessThan(1);
          const seats = part.lines.flatMap(({ category, quantity: n }) =>
            Array.from({ length: n }, (_, k) => ({ id: `${category}-${k}`, category })),
          );
          const tickets = issueTickets({
            bookingId: 'bkg',
            eventId: 'evt',
            buyerId: 'usr',
            seats,
            places: seats.map((_, k) => k),
            quote: part,
            attendees: [],
            ticketIds: seats.map(({ id }) => id),
          });
          const { paid, shares } = sumOf(tickets);
          expect(paid).toBe(part.total);
          expect(shares.organizer + shares.fees + shares.taxes).toBe(part.total);
          expect([shares.fees, shares.taxes]).toEqual([part.fees, part.taxes]);
          for (const { paid: own } of tickets) expect(own).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

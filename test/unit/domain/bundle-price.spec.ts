import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cardTotal } from '#domain/bill.ts';
import type { Bundle } from '#domain/bundle.ts';
import { bundlePrice } from '#domain/bundle-price.ts';
import { codeOf } from '#domain/errors.ts';
import { stepOf } from '#domain/money.ts';
import { packageQuotes } from '#domain/package.ts';
import { type Quote, quoteFor } from '#domain/pricing.ts';
import type { Promo, PromoOff, PromoUses } from '#domain/promo.ts';
import { issueTickets, sumOf } from '#domain/ticket.ts';
import { voucherPart } from '#domain/voucher.ts';
import { promoOf, voucherOf } from '#test/unit/flows/offers.ts';

const seatsOf = ({ lines }: Quote) =>
  lines.flatMap(({ category, quantity }) =>
    Array.from({ length: quantity }, (_, k) => ({ id: `${category}-${k}`, category })),
  );

/** A bundle that holds tickets of these prices at a package's discount (basis points). */
function bundleOf(own: readonly Quote[], basisPoints = 1_000): Bundle {
  const currency = own[0]?.currency ?? '';
  const price = { by: 'discount', basisPoints } as const;
  const quotes = packageQuotes({ packageId: 'pkg_1', price, currency }, 1, own);
  return {
    bundleId: 'bdl_1',
    packageId: 'pkg_1',
    name: 'A season',
    buyerId: 'usr_1',
    step: 'held',
    version: 1,
    dueAt: 1,
    tries: 0,
    quantity: 1,
    price,
    divisible: true,
    counted: false,
    members: quotes.map((quote, i) => ({
      eventId: `evt_${i}`,
      want: { by: 'best', quantity: 1 },
      commandId: `c${i}`,
      reservationId: `rsv_${i}`,
      bookingId: `bkg_${i}`,
      held: { seats: seatsOf(quote), quote, separately: own[i]?.total ?? 0 },
    })),
    deadline: 1_000,
    cancels: [],
    createdAt: 0,
    updatedAt: 0,
  };
}

const plain = (amount: number, quantity = 1, category = 'a'): Quote =>
  quoteFor(
    { currency: 'EUR', prices: { [category]: amount }, fees: [], taxes: [] },
    {
      [category]: quantity,
    },
  );

const none: PromoUses = { inAll: 0, byBuyer: 0 };
const withCode = (b: Bundle, change: Partial<Promo>, uses = none) =>
  bundlePrice(b, { promo: { rule: promoOf(change), uses } }, 500);
const totals = ({ parts }: ReturnType<typeof withCode>) => parts.map(({ quote }) => quote.total);
const refusal = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
};

describe('a package without a code', () => {
  it('costs what is held', () => {
    const { whole, parts } = bundlePrice(bundleOf([plain(5_000), plain(3_000)]), {}, 500);
    expect(whole.quote.total).toBe(7_200);
    expect(parts.map(({ quote }) => quote.total)).toEqual([4_500, 2_700]);
    expect([whole, ...parts].every(({ bill }) => bill === undefined)).toBe(true);
  });
});

describe('a promo code of a package', () => {
  // A tenth off: 4 500 and 2 700.
  const b = bundleOf([plain(5_000), plain(3_000)]);

  it('takes a rate off what the package costs', () => {
    expect(totals(withCode(b, { off: { by: 'percent', basisPoints: 1_000 } }))).toEqual([
      4_050, 2_430,
    ]);
  });

  it('rounds once for all events, halves up', () => {
    const odd = bundleOf([plain(5), plain(5), plain(5)], 0);
    expect(totals(withCode(odd, { off: { by: 'percent', basisPoints: 1_000 } }))).toEqual([
      4, 4, 5,
    ]);
  });

  it('takes an amount off each ticket, and never more than the package leaves of it', () => {
    const off = { by: 'per-ticket', amount: 3_000 } as const;
    expect(totals(withCode(b, { off, currency: 'EUR' }))).toEqual([1_500, 0]);
  });

  it('takes an amount off the package once, divided over its events', () => {
    const off = { by: 'per-booking', amount: 1_001 } as const;
    const terms = withCode(b, { off, currency: 'EUR' });
    expect(totals(terms)).toEqual([4_500 - 626, 2_700 - 375]);
    expect(terms.whole.quote.total).toBe(7_200 - 1_001);
    expect(withCode(b, { off: { ...off, amount: 9_999 } }).whole.quote.total).toBe(0);
  });

  it('is off the events and categories alone that it is for', () => {
    const off = { by: 'percent', basisPoints: 5_000 } as const;
    const one = withCode(b, { off, eventIds: ['evt_1', 'evt_7'] });
    expect(totals(one)).toEqual([4_500, 1_350]);
    expect(one.parts.map(({ bill }) => bill?.promo?.code)).toEqual([undefined, 'EARLY']);
    expect(one.whole.bill?.promo?.code).toBe('EARLY');
    const mixed = bundleOf([plain(5_000), plain(3_000, 1, 'b')]);
    expect(totals(withCode(mixed, { off, categories: ['b'] }))).toEqual([4_500, 1_350]);
  });

  it('asks for its number of tickets in each event', () => {
    const two = bundleOf([plain(5_000, 2), plain(3_000, 1)], 0);
    expect(totals(withCode(two, { ticketsMin: 2 }))).toEqual([9_000, 3_000]);
    expect(refusal(() => withCode(two, { ticketsMin: 3 }))).toBe('promo-code-not-applicable');
  });

  it('is refused for what a booking would be refused for', () => {
    expect(refusal(() => bundlePrice(b, { promo: null }, 500))).toBe('promo-code-unknown');
    expect(refusal(() => withCode(b, { disabled: true }))).toBe('promo-code-inactive');
    expect(refusal(() => withCode(b, { validTo: 500 }))).toBe('promo-code-inactive');
    expect(refusal(() => withCode(b, { validFrom: 501 }))).toBe('promo-code-inactive');
    expect(refusal(() => withCode(b, { eventIds: [] }))).toBe('promo-code-not-applicable');
    expect(refusal(() => withCode(b, { currency: 'USD' }))).toBe('promo-code-not-applicable');
    expect(refusal(() => withCode(b, {}, { inAll: 1, byBuyer: 0 }))).toBe('promo-code-used-up');
    const mine = { redemptionsMax: null, perBuyerMax: 1 };
    expect(refusal(() => withCode(b, mine, { inAll: 9, byBuyer: 1 }))).toBe('promo-code-used-up');
  });

  it('tells what it took apart from what the package did', () => {
    const [first] = withCode(b, { off: { by: 'percent', basisPoints: 1_000 } }).parts;
    expect(first?.quote.discount).toMatchObject({
      code: 'pkg_1',
      amount: 950,
      lines: [{ category: 'a', amount: 950 }],
      promo: { code: 'EARLY', amount: 450, lines: [{ category: 'a', amount: 450 }] },
    });
  });
});

describe('a gift voucher of a package', () => {
  const b = bundleOf([plain(5_000), plain(3_000)]);

  it('pays of each event in proportion to its price, after a code', () => {
    const promo = { rule: promoOf(), uses: none };
    const { whole, parts } = bundlePrice(b, { promo, voucher: voucherOf(1_000) }, 500);
    expect(whole.bill).toMatchObject({ promo: { code: 'EARLY' }, voucher: { amount: 1_000 } });
    expect(parts.map(({ bill }) => bill?.voucher?.amount)).toEqual([625, 375]);
    expect(parts.map(cardTotal)).toEqual([4_050 - 625, 2_430 - 375]);
  });

  it('is refused for what a booking would be refused for', () => {
    const code = (change: object) =>
      refusal(() => bundlePrice(b, { voucher: { ...voucherOf(1_000), ...change } }, 500));
    expect(refusal(() => bundlePrice(b, { voucher: null }, 500))).toBe('voucher-unknown');
    expect(code({ disabled: true })).toBe('voucher-not-applicable');
    expect(code({ currency: 'USD' })).toBe('voucher-not-applicable');
    expect(code({ balance: 0 })).toBe('voucher-used-up');
  });
});

describe('prices of packages with codes', () => {
  const off: fc.Arbitrary<PromoOff> = fc.oneof(
    fc.record({
      by: fc.constant('percent' as const),
      basisPoints: fc.integer({ min: 1, max: 10_000 }),
    }),
    fc.record({
      by: fc.constantFrom('per-ticket' as const, 'per-booking' as const),
      amount: fc.integer({ min: 1, max: 100_000 }),
    }),
  );
  const event = fc.record({
    prices: fc.record({ a: fc.nat(50_000), b: fc.nat(50_000) }),
    counts: fc.record({ a: fc.integer({ min: 1, max: 4 }), b: fc.nat(4) }),
    fee: fc.record({ perTicket: fc.nat(500), basisPoints: fc.nat(2_000) }),
    tax: fc.record({ basisPoints: fc.nat(3_000), included: fc.boolean() }),
    fits: fc.boolean(),
  });

  it('divide exactly over events and tickets, in what their currency can be charged in', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('EUR', 'JPY', 'KWD', 'MGA'),
        fc.nat(10_000),
        fc.array(event, { minLength: 2, maxLength: 6 }),
        off,
        fc.constantFrom(null, ['a'], ['b']),
        (currency, basisPoints, events, rawOff, categories) => {
          const step = stepOf(currency);
          const quotes = events.map(({ prices, counts, fee, tax }) => {
            const fees = [{ name: 'fee', ...fee, perTicket: fee.perTicket * step }];
            const own = { a: prices.a * step, b: prices.b * step };
            const terms = { currency, prices: own, fees, taxes: [{ name: 'tax', ...tax }] };
            return quoteFor(terms, counts);
          });
          const b = bundleOf(quotes, basisPoints);
          const amount = 'amount' in rawOff ? { ...rawOff, amount: rawOff.amount * step } : rawOff;
          const eventIds = events.flatMap(({ fits }, i) => (fits ? [`evt_${i}`] : []));
          const change = { off: amount, categories, eventIds };
          const why = refusal(() => withCode(b, change));
          if (why !== undefined) return expect(why).toBe('promo-code-not-applicable');
          checkTerms(b, withCode(b, change), step);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are paid by a voucher and a card whose parts add up, event by event', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('EUR', 'JPY', 'KWD', 'MGA'),
        fc.array(event, { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 1, max: 500_000 }),
        fc.boolean(),
        (currency, events, balance, code) => {
          const step = stepOf(currency);
          const quotes = events.map(({ prices, counts }) => {
            const own = { a: prices.a * step, b: prices.b * step };
            return quoteFor({ currency, prices: own, fees: [], taxes: [] }, counts);
          });
          const b = bundleOf(quotes);
          const voucher = { ...voucherOf(balance), currency };
          const promo = { rule: promoOf(), uses: none };
          const { whole, parts } = bundlePrice(b, { voucher, ...(code && { promo }) }, 500);
          const byVoucher = parts.map(({ bill }) => bill?.voucher?.amount ?? 0);
          const byCard = parts.map(cardTotal);
          const sum = (amounts: readonly number[]) => amounts.reduce((all, one) => all + one, 0);
          expect(sum(byVoucher)).toBe(whole.bill?.voucher?.amount ?? 0);
          expect(sum(byVoucher)).toBe(voucherPart(balance, whole.quote.total, currency));
          expect(sum(byCard)).toBe(cardTotal(whole));
          for (const [i, amount] of byCard.entries()) {
            expect(Math.min(amount, byVoucher[i] ?? 0)).toBeGreaterThanOrEqual(0);
            expect(amount % step).toBe(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

function checkTerms(b: Bundle, { whole, parts }: ReturnType<typeof withCode>, step: number) {
  expect(parts.reduce((sum, { quote }) => sum + quote.total, 0)).toBe(whole.quote.total);
  for (const [i, { quote }] of parts.entries()) {
    const before = b.members[i]?.held?.quote;
    expect(quote.total).toBeLessThanOrEqual(before?.total ?? 0);
    expect([quote.total % step, quote.fees]).toEqual([0, before?.fees]);
    const seats = seatsOf(quote);
    const { paid, shares } = sumOf(
      issueTickets({
        bookingId: 'bkg',
        eventId: 'evt',
        buyerId: 'usr',
        seats,
        places: seats.map((_, k) => k),
        quote,
        attendees: [],
        ticketIds: seats.map(({ id }) => id),
      }),
    );
    expect([paid, shares.fees, shares.taxes]).toEqual([quote.total, quote.fees, quote.taxes]);
    expect(shares.organizer + shares.fees + shares.taxes).toBe(quote.total);
    const { promo, amount = 0 } = quote.discount ?? {};
    expect(amount - (promo?.amount ?? 0)).toBe(before?.discount?.amount ?? 0);
  }
}

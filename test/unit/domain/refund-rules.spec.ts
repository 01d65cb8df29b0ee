import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  defaultRefundRules,
  fullRate,
  type RefundRules,
  refundOfTickets,
  refundRateAt,
  refundRuleMistakes,
  ticketRefund,
} from '#domain/refund-rules.ts';

const hour = 3_600_000;
const startsAt = 1_000 * hour;

const rules: fc.Arbitrary<RefundRules> = fc.record({
  tiers: fc.uniqueArray(fc.record({ untilHoursBefore: fc.nat(900), basisPoints: fc.nat(10_000) }), {
    selector: (tier) => tier.untilHoursBefore,
    maxLength: 6,
  }),
  feePerTicket: fc.nat(3_000),
  returnServiceFees: fc.boolean(),
});
/** Later never returns more: the rates fall with the hours that are left. */
const falling = rules.map((own): RefundRules => {
  const hours = own.tiers.map((t) => t.untilHoursBefore).sort((a, b) => a - b);
  const rates = own.tiers.map((t) => t.basisPoints).sort((a, b) => a - b);
  const tiers = hours.map((untilHoursBefore, i) => ({
    untilHoursBefore,
    basisPoints: rates[i] ?? 0,
  }));
  return { ...own, tiers };
});
const ticket = fc
  .record({
    organizer: fc.integer({ min: -2_000, max: 900_000 }),
    fees: fc.nat(5_000),
    taxes: fc.nat(90_000),
  })
  .map(({ organizer, ...own }) => ({
    ticketId: 'tkt',
    shares: { ...own, organizer: Math.max(organizer, -own.fees - own.taxes) },
  }))
  .map((t) => ({ ...t, paid: t.shares.organizer + t.shares.fees + t.shares.taxes }));
const moment = fc.integer({ min: 0, max: 1_100 * hour });

const example: RefundRules = {
  tiers: [
    { untilHoursBefore: 48, basisPoints: 5_000 },
    { untilHoursBefore: 720, basisPoints: 10_000 },
  ],
  feePerTicket: 0,
  returnServiceFees: true,
};
const rateAt = (hoursBefore: number, own = example) =>
  refundRateAt({ rules: own, startsAt }, startsAt - hoursBefore * hour);

describe('the rate at a moment', () => {
  it('is that of the tier with the most hours whose moment has not passed', () => {
    expect([721, 720, 719, 48, 47, -1].map((h) => rateAt(h).basisPoints)).toEqual([
      10_000, 10_000, 5_000, 5_000, 0, 0,
    ]);
    expect(rateAt(100)).toMatchObject({ why: 'tier', until: startsAt - 48 * hour });
    expect(rateAt(1)).toMatchObject({ why: 'too-late' });
    expect(rateAt(1).until).toBeUndefined();
  });

  it('is all until the start and nothing after where the organizer says nothing', () => {
    expect(rateAt(0, defaultRefundRules).basisPoints).toBe(10_000);
    expect(rateAt(-0.001, defaultRefundRules).basisPoints).toBe(0);
  });

  it('is all while a postponed event may be given back, then that of the rules', () => {
    const terms = { rules: example, startsAt, fullUntil: startsAt - 10 * hour };
    expect(refundRateAt(terms, terms.fullUntil)).toMatchObject({ ...fullRate, why: 'postponed' });
    expect(refundRateAt(terms, terms.fullUntil + 1)).toMatchObject({ why: 'too-late' });
  });

  it('is the best one where nobody knows the start', () => {
    expect(refundRateAt({ rules: example, startsAt: undefined }, startsAt).basisPoints).toBe(
      10_000,
    );
  });
});

describe('what a ticket returns', () => {
  const own = { ticketId: 'tkt', paid: 1_101, shares: { organizer: 900, fees: 101, taxes: 100 } };

  it('rounds halves up and keeps the fee after the percentage', () => {
    const rate = { ...fullRate, basisPoints: 5_000, feePerTicket: 50 };
    expect(ticketRefund(own, rate, 'EUR')).toMatchObject({ returned: 501, kept: 600 });
    const without = ticketRefund(own, { ...rate, returnServiceFees: false }, 'EUR');
    expect(without).toMatchObject({ returned: 450, shares: { fees: 0 } });
  });

  it('is never more than was paid nor below 0, and divides without a rest', () => {
    fc.assert(
      fc.property(ticket, rules, moment, (t, r, now) => {
        const { returned, kept, shares } = ticketRefund(
          t,
          refundRateAt({ rules: r, startsAt }, now),
          'EUR',
        );
        expect(returned).toBeGreaterThanOrEqual(0);
        expect(returned).toBeLessThanOrEqual(t.paid);
        expect(returned + kept).toBe(t.paid);
        expect(shares.organizer + shares.fees + shares.taxes).toBe(returned);
      }),
    );
  });

  it('comes in multiples of what the currency can be charged in', () => {
    const fils = {
      ticketId: 'tkt',
      paid: 3_330,
      shares: { organizer: 3_000, fees: 230, taxes: 100 },
    };
    const rate = { ...fullRate, basisPoints: 3_333, feePerTicket: 5 };
    expect(ticketRefund(fils, rate, 'BHD')).toMatchObject({ returned: 1_100, kept: 2_230 });
  });

  it('takes from nobody more than he had', () => {
    fc.assert(
      fc.property(ticket, rules, moment, (t, r, now) => {
        fc.pre(t.shares.organizer >= 0);
        const { shares } = ticketRefund(t, refundRateAt({ rules: r, startsAt }, now), 'EUR');
        for (const part of ['organizer', 'fees', 'taxes'] as const) {
          expect(shares[part]).toBeLessThanOrEqual(t.shares[part]);
          expect(shares[part]).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('never grows with time where the tiers fall', () => {
    fc.assert(
      fc.property(ticket, falling, moment, moment, (t, r, one, other) => {
        const at = (now: number) =>
          ticketRefund(t, refundRateAt({ rules: r, startsAt }, now), 'EUR').returned;
        expect(at(Math.min(one, other))).toBeGreaterThanOrEqual(at(Math.max(one, other)));
      }),
    );
  });

  it('is the same one by one and all at once', () => {
    fc.assert(
      fc.property(fc.array(ticket, { maxLength: 8 }), rules, moment, (tickets, r, now) => {
        const rate = refundRateAt({ rules: r, startsAt }, now);
        const single = tickets.map((t) => refundOfTickets([t], rate, 'EUR'));
        const all = refundOfTickets(tickets, rate, 'EUR');
        expect(all.returned).toBe(single.reduce((sum, one) => sum + one.returned, 0));
        expect(all.kept).toBe(single.reduce((sum, one) => sum + one.kept, 0));
        expect(all.shares.organizer).toBe(single.reduce((s, one) => s + one.shares.organizer, 0));
      }),
    );
  });
});

it('two tiers of one moment are a mistake', () => {
  const tier = { untilHoursBefore: 24, basisPoints: 1 };
  expect(refundRuleMistakes({ ...example, tiers: [tier, tier] })).toHaveLength(1);
  expect(refundRuleMistakes(example)).toEqual([]);
});

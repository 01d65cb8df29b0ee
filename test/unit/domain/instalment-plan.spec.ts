import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type InstalmentPlan, planMistakes, planned, scheduleOf } from '#domain/instalment-plan.ts';

const day = 24 * 3_600_000;
const now = Date.parse('2027-01-01T12:00:00Z');
const startsAt = now + 300 * day;

const plan: InstalmentPlan = {
  planId: 'thirds',
  parts: 3,
  firstBasisPoints: 4_000,
  everyDays: 30,
  lastDueDaysBefore: 14,
  minTotal: 5_000,
  fee: 300,
  admitsBeforePaid: true,
  retryAfterDays: [3, 4],
  cancelFee: 1_000,
};
const eur = (amount: number) => ({ amount, currency: 'EUR' });

describe('a schedule', () => {
  it('divides the total: the first share now, the rest equally in the interval', () => {
    expect(scheduleOf(plan, eur(10_000), now, startsAt)).toEqual({
      instalments: [
        { no: 1, amount: 4_000, dueAt: now },
        { no: 2, amount: 3_000, dueAt: now + 30 * day },
        { no: 3, amount: 3_000, dueAt: now + 60 * day },
      ],
    });
  });

  it('keeps to fixed dates', () => {
    const dates = ['2027-03-01T00:00:00Z', '2027-05-01T00:00:00Z'];
    const schedule = scheduleOf(
      { ...plan, everyDays: undefined, dates },
      eur(9_000),
      now,
      startsAt,
    );
    const times = 'instalments' in schedule ? schedule.instalments.map(({ dueAt }) => dueAt) : [];
    expect(times).toEqual([now, ...dates.map((date) => Date.parse(date))]);
  });

  it.each([
    ['a total that is too low', plan, 5_299, now, 'too low'],
    ['an event that is too near', plan, 10_000, startsAt - 73 * day, 'too near'],
    ['parts of nothing', { ...plan, firstBasisPoints: 0 }, 10_000, now, 'so many parts'],
    [
      'a date that has passed',
      { ...plan, everyDays: undefined, dates: ['2026-12-01T00:00:00Z', '2027-02-01T00:00:00Z'] },
      10_000,
      now,
      'has passed',
    ],
  ])('is refused for %s', (_, own, total, at, why) => {
    expect(scheduleOf(own, eur(total), at, startsAt)).toEqual({
      refused: expect.stringContaining(why),
    });
  });

  it('always adds up to the total, in order, in time, in what the currency is charged in', () => {
    const plans = fc.record({
      parts: fc.integer({ min: 2, max: 12 }),
      firstBasisPoints: fc.integer({ min: 1, max: 9_900 }),
      everyDays: fc.integer({ min: 1, max: 60 }),
      lastDueDaysBefore: fc.integer({ min: 0, max: 60 }),
    });
    const total = fc.integer({ min: 1, max: 10_000_000 });
    const inTens = fc.boolean();
    fc.assert(
      fc.property(plans, total, inTens, (own, sum, tens) => {
        const money = tens
          ? { amount: sum * 10, currency: 'KWD' }
          : { amount: sum, currency: 'EUR' };
        const wanted = { ...plan, ...own, fee: 0, minTotal: 0 };
        const schedule = scheduleOf(wanted, money, now, startsAt);
        if ('refused' in schedule) return;
        const { instalments } = schedule;
        expect(instalments.map(({ no }) => no)).toEqual(instalments.map((_, i) => i + 1));
        expect(instalments.reduce((all, { amount }) => all + amount, 0)).toBe(money.amount);
        expect(instalments.every(({ amount }) => amount > 0)).toBe(true);
        expect(instalments.every(({ amount }) => amount % (tens ? 10 : 1) === 0)).toBe(true);
        const times = instalments.map(({ dueAt }) => dueAt);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(new Set(times).size).toBe(own.parts);
        expect(times.at(-1)).toBeLessThanOrEqual(startsAt - own.lastDueDaysBefore * day);
      }),
    );
  });
});

describe('a plan', () => {
  const about = { startsAt, currency: 'EUR' };
  const dates = ['2027-03-01T00:00:00Z', '2027-05-01T00:00:00Z'];
  const byDates = { ...plan, everyDays: undefined, dates };

  it('adds its fee to the price, and leaves what a voucher pays to the voucher', () => {
    const quote = { currency: 'EUR', lines: [], fees: 100, taxes: 0, total: 12_000 };
    const bill = { by: 'card', voucher: { voucherId: 'v', amount: 2_300 } } as const;
    const terms = planned({ quote, bill }, plan, now, startsAt);
    if ('refused' in terms) throw new Error(terms.refused);
    expect(terms.quote).toMatchObject({ fees: 400, total: 12_300 });
    expect(terms.bill?.instalments?.map(({ amount }) => amount)).toEqual([4_000, 3_000, 3_000]);
    expect(terms.bill).toMatchObject({ plan: { planId: 'thirds', cancelFee: 1_000 } });
  });

  it.each([
    ['two of one name', [plan, plan], 'called thirds'],
    ['neither interval nor dates', [{ ...plan, everyDays: undefined }], 'give it or dates'],
    ['a date too few', [{ ...byDates, parts: 4 }], 'one for each'],
    ['dates out of order', [{ ...byDates, dates: dates.toReversed() }], 'in order'],
    ['no time for further tries', [{ ...plan, lastDueDaysBefore: 6 }], 'the 7 days'],
    ['a last date after the event', [{ ...byDates, lastDueDaysBefore: 290 }], 'too late'],
  ])('with %s is refused', (_, plans, why) => {
    const [first] = planMistakes(plans, about);
    expect(first?.message).toContain(why);
  });

  it('without mistakes is taken', () => {
    expect(planMistakes([plan, { ...byDates, planId: 'dated' }], about)).toEqual([]);
  });
});

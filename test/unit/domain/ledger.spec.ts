import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  balancesOf,
  cashPostings,
  type Posting,
  refundPostings,
  reversalPostings,
  salePostings,
  strayCashPostings,
} from '#domain/ledger.ts';

const amount = fc.integer({ min: -1_000_000, max: 1_000_000 });
const shares = fc.record({ organizer: amount, fees: amount, taxes: amount });
const totalOf = (s: { organizer: number; fees: number; taxes: number }): number =>
  s.organizer + s.fees + s.taxes;
const balances = (...postings: (readonly Posting[])[]) =>
  balancesOf(postings.map((list) => ({ postings: list })));
const empty = balancesOf([]);

describe('the ledger', () => {
  it('is balanced whatever is booked', () => {
    fc.assert(
      fc.property(shares, fc.nat(), (s, cash) => {
        const all = balances(salePostings(s), cashPostings(cash), reversalPostings(s, true));
        expect(Object.values(all).reduce((a, b) => a + b, 0)).toBe(0);
      }),
    );
  });

  it('has nothing but positive amounts, debit and credit apart', () => {
    fc.assert(
      fc.property(shares, (s) => {
        for (const { debit, credit, amount: sum } of salePostings(s)) {
          expect(sum).toBeGreaterThan(0);
          expect(debit).not.toBe(credit);
        }
      }),
    );
  });

  it('leaves nothing behind after a sale, its capture, its reversal and the refund', () => {
    fc.assert(
      fc.property(shares, (s) => {
        const total = totalOf(s);
        const cash = cashPostings(total);
        const all = [salePostings(s), cash, reversalPostings(s, true), refundPostings(total)];
        expect(balances(...all)).toEqual(empty);
      }),
    );
  });

  it('leaves nothing behind after a sale that was undone before it was paid', () => {
    fc.assert(
      fc.property(shares, (s) => {
        expect(balances(salePostings(s), reversalPostings(s, false))).toEqual(empty);
      }),
    );
  });

  it('owes money that came in without a sale until it is returned', () => {
    expect(balances(strayCashPostings(700))).toEqual({ ...empty, provider: 700, owed: -700 });
    expect(balances(strayCashPostings(700), refundPostings(700))).toEqual(empty);
  });

  it('refuses fractions of a minor unit', () => {
    expect(() => cashPostings(0.5)).toThrow(RangeError);
  });
});

import { describe, expect, it } from '@jest/globals';
import {
  cashPostings,
  type LedgerEntry,
  refundPostings,
  reversalPostings,
  salePostings,
  voucherPostings,
} from '#domain/ledger.ts';
import { bookingMistakes, entryMistakes } from '#domain/ledger-check.ts';

const event = '01HZX3C9Q2V7M5K8T4R6W1Y0AB';
const bookingId = `bkg_${event}01HZX3C9Q2V7M5K8T4R6W1Y0AC`;
const shares = { organizer: 900, fees: 60, taxes: 40 };
const entry = (part: string, postings: LedgerEntry['postings']): LedgerEntry => ({
  id: `${bookingId}:${part}`,
  eventId: `evt_${event}`,
  bookingId,
  kind: 'sale',
  currency: 'EUR',
  postings,
  at: 1,
});
const sale = entry('sale', salePostings(shares));
const cash = entry('cash', cashPostings(1_000));
const money = {
  settled: true,
  captured: 1_000,
  refunded: 0,
  unreturned: 0,
  inTill: 0,
  byVoucher: 0,
  outstanding: 0,
};
const problems = (mistakes: readonly { problem: string }[]) => mistakes.map((m) => m.problem);

describe('a ledger entry', () => {
  it('as it is written has no mistake', () => {
    expect(entryMistakes(sale)).toEqual([]);
  });

  it.each([
    [{ id: 'else:sale' }, 'is not an entry of'],
    [{ eventId: 'evt_else' }, 'is not of'],
    [{ currency: 'euro' }, 'has no currency'],
    [{ at: Number.NaN }, 'has no time'],
    [{ postings: [] }, 'has no postings'],
    [{ postings: [{ debit: 'buyer', credit: 'buyer', amount: 1 }] }, 'debits and credits'],
    [{ postings: [{ debit: 'buyer', credit: 'fees', amount: 0.5 }] }, 'posts 0.5'],
    [{ postings: [{ debit: 'buyer', credit: 'fees', amount: -1 }] }, 'posts -1'],
    [{ postings: [{ debit: 'buyer', credit: 'mine', amount: 1 }] }, 'posts to'],
  ])('with %j is found', (change, problem) => {
    const found = problems(entryMistakes({ ...sale, ...(change as Partial<LedgerEntry>) }));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });
});

describe('the entries of a booking', () => {
  const byVoucher = entry('voucher', voucherPostings(1_000));

  const back = [
    entry('cancelled-1', reversalPostings(shares, true)),
    entry('refunded-1', refundPostings(1_000)),
  ];

  it('agree with its payments, sold or returned', () => {
    expect(bookingMistakes(bookingId, [sale, cash], money)).toEqual([]);
    const returned = { ...money, refunded: 1_000 };
    expect(bookingMistakes(bookingId, [sale, cash, ...back], returned)).toEqual([]);
  });

  it('agree with the voucher that paid', () => {
    const record = { ...money, captured: 0, byVoucher: 1_000 };
    expect(bookingMistakes(bookingId, [sale, byVoucher], record)).toEqual([]);
  });

  it('are not compared while it moves', () => {
    expect(bookingMistakes(bookingId, [sale], { ...money, settled: false })).toEqual([]);
  });

  it.each([
    ['captured, not booked', [sale], money, ['at the provider', 'the buyer owes 1000']],
    ['booked, not captured', [sale, cash], { ...money, captured: 0 }, ['at the provider']],
    ['cancelled, not refunded', [sale, cash, ...back.slice(0, 1)], money, ['owes the buyer 1000']],
    [
      'booked, paid by no voucher',
      [sale, byVoucher],
      { ...money, captured: 0 },
      ['1000 of vouchers'],
    ],
    ['of no booking', [sale], { ...money, settled: undefined }, ['no such booking']],
    ['in two currencies', [sale, { ...cash, currency: 'USD' }], money, ['EUR and USD']],
  ])('%s are found', (_name, entries, record, expected) => {
    const found = problems(bookingMistakes(bookingId, entries, record));
    expect(found).toHaveLength(expected.length);
    expected.forEach((part, i) => {
      expect(found[i]).toContain(part);
    });
  });

  it('agree when a refund has failed for good: it is still owed', () => {
    const failed = { ...money, unreturned: 1_000 };
    expect(bookingMistakes(bookingId, [sale, cash, ...back.slice(0, 1)], failed)).toEqual([]);
  });
});

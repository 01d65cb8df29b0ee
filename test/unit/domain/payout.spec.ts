import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  balancesOf,
  cashPostings,
  type Posting,
  payOutPostings,
  refundPostings,
  reversalPostings,
  salePostings,
  tillPostings,
  voucherPostings,
  voucherRefundPostings,
} from '#domain/ledger.ts';

import { csvField, payoutCsv, payoutLines, payoutOf, payoutTotals } from '#domain/payout.ts';

const shares = { organizer: 8_000, fees: 1_000, taxes: 1_000 };
const sale = salePostings(shares);
const of = (eventId: string, currency: string, postings: readonly Posting[]) =>
  postings.map((posting) => ({ eventId, currency, ...posting }));

describe('a payout', () => {
  it('of a paid sale is its price without fees and taxes', () => {
    expect(payoutOf([...sale, ...cashPostings(10_000)])).toEqual({
      gross: 10_000,
      refunds: 0,
      fees: 1_000,
      taxes: 1_000,
      net: 8_000,
      captured: 10_000,
      returned: 0,
      vouchers: 0,
      cashIn: 0,
      cashOut: 0,
      payable: 8_000,
    });
  });

  it('of a sale that was cancelled and refunded is nothing', () => {
    const back = [...reversalPostings(shares, true), ...refundPostings(10_000)];
    expect(payoutOf([...sale, ...cashPostings(10_000), ...back])).toEqual({
      gross: 10_000,
      refunds: 10_000,
      fees: 0,
      taxes: 0,
      net: 0,
      captured: 10_000,
      returned: 10_000,
      vouchers: 0,
      cashIn: 0,
      cashOut: 0,
      payable: 0,
    });
  });

  it('of a sale for cash is with the organizer already, but for what is not its own', () => {
    const cash = payoutOf([...sale, ...tillPostings(10_000)]);
    expect(cash).toMatchObject({ net: 8_000, captured: 0, cashIn: 10_000, payable: -2_000 });
    const back = [...reversalPostings(shares, true), ...payOutPostings(10_000)];
    expect(payoutOf([...sale, ...tillPostings(10_000), ...back])).toMatchObject({
      net: 0,
      cashIn: 10_000,
      cashOut: 10_000,
      payable: 0,
    });
  });

  it('says what gift vouchers paid, less what went back to them', () => {
    const paid = [...sale, ...cashPostings(6_000), ...voucherPostings(4_000)];
    expect(payoutOf(paid)).toMatchObject({ net: 8_000, captured: 6_000, vouchers: 4_000 });
    const back = [...reversalPostings(shares, true), ...voucherRefundPostings(4_000)];
    expect(payoutOf([...paid, ...back])).toMatchObject({ net: 0, captured: 6_000, vouchers: 0 });
  });

  it('does not count a sale that was undone unpaid', () => {
    const sum = payoutOf([...sale, ...reversalPostings(shares, false)]);
    expect(Object.values(sum)).toEqual(Object.values(sum).map(() => 0));
  });

  it('always adds up, and agrees with the balances', () => {
    const amount = fc.integer({ min: -100_000, max: 100_000 });
    const any = fc.record({ organizer: amount, fees: amount, taxes: amount });
    fc.assert(
      fc.property(fc.array(any), fc.array(any), fc.array(any), (sold, cancelled, undone) => {
        const postings = [
          ...sold.flatMap(salePostings),
          ...cancelled.flatMap((s) => reversalPostings(s, true)),
          ...undone.flatMap((s) => reversalPostings(s, false)),
        ];
        const { gross, refunds, fees, taxes, net } = payoutOf(postings);
        const balances = balancesOf([{ postings }]);
        expect(gross - refunds - fees - taxes).toBe(net);
        expect([net + balances.organizer, fees + balances.fees, taxes + balances.taxes]).toEqual([
          0, 0, 0,
        ]);
      }),
    );
  });
});

describe('a report', () => {
  const movements = [...of('evt_2', 'EUR', sale), ...of('evt_1', 'EUR', sale)];
  const both = [...movements, ...of('evt_1', 'JPY', cashPostings(500))];

  it('has a line an event and currency, and sums by currency', () => {
    const lines = payoutLines(both).map(({ eventId, currency, gross }) => [
      eventId,
      currency,
      gross,
    ]);
    expect(lines).toEqual([
      ['evt_1', 'EUR', 10_000],
      ['evt_1', 'JPY', 0],
      ['evt_2', 'EUR', 10_000],
    ]);
    expect(payoutTotals(both)).toMatchObject([
      { currency: 'EUR', gross: 20_000, net: 16_000 },
      { currency: 'JPY', captured: 500 },
    ]);
  });

  it('is a CSV file that keeps titles in their field and runs no formula', () => {
    const lines = payoutLines(of('evt_1', 'EUR', sale)).map((line) => ({
      ...line,
      title: '=SUM(A1), "live"',
    }));
    expect(payoutCsv(lines)).toBe(
      'eventId,title,currency,gross,refunds,fees,taxes,net,captured,returned,' +
        'vouchers,cashIn,cashOut,payable\r\n' +
        `evt_1,"'=SUM(A1), ""live""",EUR,10000,0,1000,1000,8000,0,0,0,0,0,8000\r\n`,
    );
    expect(csvField(-5)).toBe('-5');
    expect(csvField('-5')).toBe("'-5");
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cardTotal } from '#domain/bill.ts';
import { checkoutPrice } from '#domain/checkout-price.ts';
import { codeOf } from '#domain/errors.ts';
import { leastCharge, toProviderAmount } from '#domain/payment.ts';
import { voucherCode, voucherCodeBytes, voucherHash, voucherPart } from '#domain/voucher.ts';
import { promoOf, voucherOf } from '#test/unit/flows/offers.ts';
import { FakeEvent, ManualClock, quoteOf } from '#test/unit/flows/world.ts';

const clock = new ManualClock();
const { hold } = new FakeEvent(clock, quoteOf(5_000));
const price = (offers: Parameters<typeof checkoutPrice>[1]) =>
  checkoutPrice(hold, offers, clock.now());
const refusal = (offers: Parameters<typeof checkoutPrice>[1]) => {
  try {
    return price(offers);
  } catch (error) {
    return codeOf(error);
  }
};
const promo = { rule: promoOf(), uses: { inAll: 0, byBuyer: 0 } };

describe('a voucher', () => {
  it('has a code of 125 random bits that is found again however it is typed', () => {
    const bytes = Uint8Array.from({ length: voucherCodeBytes }, (_, i) => i * 7);
    const code = voucherCode(bytes);
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
    const typed = code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
    expect(voucherHash(typed)).toBe(voucherHash(code));
    expect(voucherHash(code)).not.toContain(code);
    const bits = new Set(
      Array.from({ length: 32 }, (_, i) => voucherCode(bytes.fill(i)).charAt(0)),
    );
    expect(bits.size).toBe(32);
  });

  it('pays what it can and leaves the rest to a card', () => {
    const { bill, quote } = price({ voucher: voucherOf(1_200) });
    expect(bill).toMatchObject({ by: 'card', voucher: { amount: 1_200 } });
    expect(cardTotal({ bill, quote })).toBe(3_800);
  });

  it('pays all of what a promo code leaves', () => {
    const { bill, quote } = price({ promo, voucher: voucherOf(9_000) });
    expect(quote.total).toBe(4_500);
    expect(bill).toMatchObject({ promo: { code: 'EARLY' }, voucher: { amount: 4_500 } });
    expect(cardTotal({ bill, quote })).toBe(0);
  });

  it('that cannot pay is refused by name', () => {
    expect(refusal({ voucher: null })).toBe('voucher-unknown');
    expect(refusal({ promo: null })).toBe('promo-code-unknown');
    expect(refusal({ voucher: voucherOf(0) })).toBe('voucher-used-up');
    expect(refusal({ voucher: { ...voucherOf(5), currency: 'JPY' } })).toBe(
      'voucher-not-applicable',
    );
    expect(refusal({ voucher: { ...voucherOf(5), disabled: true } })).toBe(
      'voucher-not-applicable',
    );
    expect(refusal({})).toEqual({ quote: hold.quote });
  });

  it('always leaves what a card can be charged, and never pays more than it has or is due', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('JPY', 'KWD', 'EUR'),
        fc.nat(100_000),
        fc.nat(10_000),
        (currency, balance, tens) => {
          const total = tens * 10;
          const part = voucherPart(balance, total, currency);
          const rest = total - part;
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(Math.min(balance, total));
          expect(() => toProviderAmount({ amount: rest, currency })).not.toThrow();
          const least = Math.min(leastCharge(currency), total);
          if (balance >= total) expect(rest).toBe(0);
          else expect(rest).toBeGreaterThanOrEqual(least);
          expect(rest - Math.max(total - balance, 0)).toBeLessThan(Math.max(10, least + 1));
        },
      ),
    );
  });

  it('leaves at least what a card is charged at least, and keeps the rest', () => {
    expect(voucherPart(4_980, 5_000, 'EUR')).toBe(4_950);
    expect(voucherPart(4_980, 5_000, 'JPY')).toBe(4_950);
    expect(voucherPart(4_985, 5_000, 'KWD')).toBe(4_980);
    expect(voucherPart(30, 40, 'EUR')).toBe(0);
  });
});

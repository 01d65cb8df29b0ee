import { createHash } from 'node:crypto';
import { UsherError } from '#domain/errors.ts';
import { stepOf } from '#domain/money.ts';
import { leastCharge } from '#domain/payment.ts';

/** A gift voucher, without its code: only who holds the code can name it. */
export type Voucher = {
  readonly voucherId: string;
  readonly organizerId: string;
  readonly currency: string;
  /** What it was issued for, minor units. */
  readonly amount: number;
  /** What is left: neither spent nor set aside for a booking under way. */
  readonly balance: number;
  readonly disabled: boolean;
};

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const groupChars = 5;

/** Random bytes that one code is made of: a code is guessed once in 2¹²⁵ tries. */
export const voucherCodeBytes = 25;

/** Spells 25 random bytes as five groups of five characters that are not mistaken for others. */
export function voucherCode(bytes: Uint8Array): string {
  const chars = [...bytes.subarray(0, voucherCodeBytes)].map((byte) => alphabet.charAt(byte & 31));
  const groups: string[] = [];
  for (let at = 0; at < chars.length; at += groupChars) {
    groups.push(chars.slice(at, at + groupChars).join(''));
  }
  return groups.join('-');
}

/** What is stored of a code. Case, blanks and dashes do not matter, nor O for 0, I or L for 1. */
export function voucherHash(code: string): string {
  const plain = code
    .toUpperCase()
    .replaceAll(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return createHash('sha256').update(`voucher ${plain}`).digest('hex');
}

/** Throws `voucher-not-applicable` or `voucher-used-up` where it cannot pay anything of this. */
export function assertVoucher(voucher: Voucher, use: { readonly currency: string }): void {
  if (voucher.disabled) {
    throw new UsherError('voucher-not-applicable', 'This voucher was switched off');
  }
  if (voucher.currency !== use.currency) {
    const { currency } = voucher;
    throw new UsherError('voucher-not-applicable', `This voucher is in ${currency}`, { currency });
  }
  if (voucher.balance === 0) throw new UsherError('voucher-used-up');
}

/**
 * What a voucher with this balance pays of a total: all that it can, so that a card can be charged
 * what remains: in the currency's steps, and no less than the provider takes.
 */
export function voucherPart(balance: number, total: number, currency: string): number {
  if (balance >= total) return total;
  const part = Math.min(balance, Math.max(total - leastCharge(currency), 0));
  return part - (part % stepOf(currency));
}

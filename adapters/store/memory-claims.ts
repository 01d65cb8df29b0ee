import type { Booking } from '#domain/booking.ts';
import { type Claim, codeUserOf, takenBy } from '#domain/claims.ts';
import type { Promo } from '#domain/promo.ts';
import type { Voucher } from '#domain/voucher.ts';

/** Promo codes and vouchers in memory, by the rules of the MongoDB store; each call indivisible. */
export class MemoryClaims {
  readonly promos = new Map<string, Promo>();
  readonly vouchers = new Map<string, Voucher>();
  readonly #uses = new Map<string, number>();

  /** Redemptions that count, of all buyers or of one. */
  uses(promoId: string, buyerId = ''): number {
    return this.#uses.get(`${promoId}:${buyerId}`) ?? 0;
  }

  /** Takes what the bill says, or nothing and answers what is not to be had. */
  take(booking: Booking): 'promo-refused' | 'voucher-refused' | undefined {
    const { promo, voucher } = takenBy(booking);
    const buyerId = codeUserOf(booking);
    if (promo !== undefined && !this.#mayUse(promo.promoId, buyerId)) return 'promo-refused';
    const found = voucher && this.vouchers.get(voucher.voucherId);
    if (voucher !== undefined) {
      const { balance, disabled } = found ?? { balance: 0, disabled: true };
      if (disabled || balance < voucher.amount) return 'voucher-refused';
    }
    if (promo !== undefined) this.#count(promo.promoId, buyerId, 1);
    if (voucher !== undefined) this.#credit(voucher.voucherId, -voucher.amount);
    return undefined;
  }

  giveBack(claims: readonly Claim[]): void {
    for (const claim of claims) {
      if (claim.kind === 'promo-released') this.#count(claim.promoId, claim.buyerId, -1);
      else this.#credit(claim.voucherId, claim.amount);
    }
  }

  #mayUse(promoId: string, buyerId: string): boolean {
    const promo = this.promos.get(promoId);
    if (promo === undefined || promo.disabled) return false;
    const { redemptionsMax, perBuyerMax } = promo;
    if (redemptionsMax !== null && this.uses(promoId) >= redemptionsMax) return false;
    return perBuyerMax === null || this.uses(promoId, buyerId) < perBuyerMax;
  }

  #count(promoId: string, buyerId: string, by: number): void {
    for (const key of [`${promoId}:`, `${promoId}:${buyerId}`]) {
      this.#uses.set(key, (this.#uses.get(key) ?? 0) + by);
    }
  }

  #credit(voucherId: string, amount: number): void {
    const found = this.vouchers.get(voucherId);
    if (found === undefined) throw new Error(`there is no voucher ${voucherId}`);
    this.vouchers.set(voucherId, { ...found, balance: found.balance + amount });
  }
}

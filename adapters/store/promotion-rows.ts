import type { Versioned } from '#adapters/store/moleculer-db-adapter.ts';
import type { Promo } from '#domain/promo.ts';
import type { Voucher } from '#domain/voucher.ts';

export const promotionCollections = {
  promos: 'promo_codes',
  uses: 'promo_uses',
  vouchers: 'vouchers',
  acts: 'promotion_acts',
} as const;

/**
 * A promo code. What its organizer says is written under a version by the promotions; `used`
 * (redemptions that count) only by the bookings' transactions, which leave the version alone.
 */
export type PromoRow = Versioned &
  Omit<Promo, 'promoId'> & {
    /** `promoKey(code)`: one an organizer. */
    readonly key: string;
    readonly used: number;
    readonly createdAt: number;
    readonly updatedAt: number;
  };

/** Redemptions of one code by one buyer that count; `_id` is `usesId(promoId, buyerId)`. */
export type PromoUsesRow = { readonly _id: string; readonly used: number };

export const usesId = (promoId: string, buyerId: string): string => `${promoId}:${buyerId}`;

/** A voucher. `balance` is changed only by the bookings' transactions once it was issued. */
export type VoucherRow = Versioned &
  Omit<Voucher, 'voucherId'> & {
    /** `voucherHash(code)`; the code itself is kept nowhere. */
    readonly codeHash: string;
    readonly createdAt: number;
    readonly updatedAt: number;
  };

export const promoOf = ({ _id, version: _v, key: _k, used: _u, ...row }: PromoRow): Promo => {
  const { createdAt: _c, updatedAt: _a, ...rest } = row;
  return { promoId: _id, ...rest };
};

export const voucherOf = ({ _id, version: _v, codeHash: _h, ...row }: VoucherRow): Voucher => {
  const { createdAt: _c, updatedAt: _a, ...rest } = row;
  return { voucherId: _id, ...rest };
};

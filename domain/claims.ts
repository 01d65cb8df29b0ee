import type { Booking } from '#domain/booking.ts';

/**
 * What a booking's change gives back to the promo code or the gift voucher it was begun with, in
 * the transaction of that change: so it happens once, whoever is killed. What a booking takes (a
 * redemption, an amount set aside) stands in its bill and is taken in the transaction that inserts
 * it.
 */
export type Claim =
  | { readonly kind: 'promo-released'; readonly promoId: string; readonly buyerId: string }
  | { readonly kind: 'voucher-credited'; readonly voucherId: string; readonly amount: number };

/** True for a booking whose insert takes something. */
export const claimsSomething = ({ bill }: Pick<Booking, 'bill'>): boolean =>
  bill?.promo !== undefined || bill?.voucher !== undefined;

/** All that a booking took goes back when it ends without a sale. */
export function releaseClaims({ bill, buyerId }: Pick<Booking, 'bill' | 'buyerId'>): Claim[] {
  const claims: Claim[] = [];
  const { promo, voucher } = bill ?? {};
  if (promo !== undefined) claims.push({ kind: 'promo-released', promoId: promo.promoId, buyerId });
  if (voucher !== undefined && voucher.amount > 0) {
    claims.push({ kind: 'voucher-credited', ...voucher });
  }
  return claims;
}

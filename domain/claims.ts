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

/**
 * What a booking takes with its insert, and has till it ends without a sale. A package is begun
 * with one redemption: its order takes and gives back for all of its bookings, whose bills say
 * which part of it is theirs.
 */
export const takenBy = ({ bill, bundle }: Pick<Booking, 'bill' | 'bundle'>) => ({
  promo: bundle === undefined ? bill?.promo : undefined,
  voucher: bundle === undefined ? bill?.voucher : undefined,
});

/** Whose use of its promo code a booking counts as. */
export const codeUserOf = ({ bill, buyerId }: Pick<Booking, 'bill' | 'buyerId'>): string =>
  bill?.promo?.usedBy ?? buyerId;

/** True for a booking whose insert takes something. */
export const claimsSomething = (b: Pick<Booking, 'bill' | 'bundle'>): boolean => {
  const { promo, voucher } = takenBy(b);
  return promo !== undefined || voucher !== undefined;
};

/** All that a booking took goes back when it ends without a sale. */
export function releaseClaims(b: Pick<Booking, 'bill' | 'buyerId' | 'bundle'>): Claim[] {
  const claims: Claim[] = [];
  const { promo, voucher } = takenBy(b);
  if (promo !== undefined) {
    claims.push({ kind: 'promo-released', promoId: promo.promoId, buyerId: codeUserOf(b) });
  }
  if (voucher !== undefined && voucher.amount > 0) {
    claims.push({ kind: 'voucher-credited', ...voucher });
  }
  return claims;
}

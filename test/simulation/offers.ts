import type { MemoryClaims } from '#adapters/store/memory-claims.ts';
import type { Offers } from '#domain/checkout-price.ts';
import type { OffersPort } from '#services/bookings/offers.ts';
import type { Chance } from '#test/simulation/chance.ts';
import { promoOf } from '#test/unit/flows/offers.ts';

const promoId = 'prm_1';
const voucherIds = ['vch_1', 'vch_2', 'vch_3'];

const promo = promoOf({ promoId, redemptionsMax: 6, perBuyerMax: 2 });

/** One promo code that a few bookings may use, and vouchers that several buyers share. */
export function issueOffers({ promos, vouchers }: MemoryClaims): void {
  promos.set(promoId, promo);
  const { organizerId } = promo;
  for (const [i, voucherId] of voucherIds.entries()) {
    const amount = 4_000 * (i + 1);
    const of = { organizerId, currency: 'EUR', disabled: false };
    vouchers.set(voucherId, { voucherId, amount, balance: amount, ...of });
  }
}

/** The promotions as a core node asks them: what is true at this moment, perhaps not any more. */
export const offersOf = (claims: MemoryClaims): OffersPort => ({
  of: async ({ buyerId, promoCode, voucher }): Promise<Offers> => {
    const rule = claims.promos.get(promoCode ?? '');
    const inAll = claims.uses(promoId);
    return {
      ...(rule && { promo: { rule, uses: { inAll, byBuyer: claims.uses(promoId, buyerId) } } }),
      ...(voucher !== undefined && { voucher: claims.vouchers.get(voucher) ?? null }),
    };
  },
});

/** What one buyer in a few brings to a checkout. */
export const codesOf = (chance: Chance): { promoCode?: string; voucher?: string } => ({
  ...(chance.hits(0.2) && { promoCode: promoId }),
  ...(chance.hits(0.2) && { voucher: chance.pick(voucherIds) }),
});

/** A code of these is not to be had: the buyer goes on without. */
export const isOfferRefusal = (code: string): boolean => /^(promo-code|voucher)-/.test(code);

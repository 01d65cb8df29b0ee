import type { Context, ServiceBroker } from 'moleculer';
import type { InsertResult } from '#adapters/store/bookings.port.ts';
import type { BundleResult } from '#adapters/store/bundles.port.ts';
import { call } from '#broker/call.ts';
import type { Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { promoUsedUp } from '#domain/promo.ts';

export type OffersWanted = {
  readonly eventId: string;
  /** Whose uses of the promo code are counted. */
  readonly buyerId: string;
  readonly promoCode?: string | undefined;
  readonly voucher?: string | undefined;
};

/** What stands behind a buyer's codes, as the promotions know it. */
export interface OffersPort {
  of(wanted: OffersWanted): Promise<Offers>;
}

export const promotionsOver = (from: Context | ServiceBroker): OffersPort => ({
  of: (wanted) => call(from, 'promotions.offers', wanted),
});

/** What stands behind the codes that a buyer brings; nothing is asked where there are none. */
export async function offersBehind(port: OffersPort, wanted: OffersWanted): Promise<Offers> {
  if (wanted.promoCode === undefined && wanted.voucher === undefined) return {};
  return port.of(wanted);
}

/**
 * Throws `voucher-used-up` or `promo-code-used-up` where the store refused what was to be taken of
 * the buyer's codes: another booking was faster. `reprice`, the price with what that one left,
 * throws where it knows better why.
 */
export async function assertOffersTaken(
  result: InsertResult | BundleResult,
  reprice: () => Promise<unknown>,
): Promise<void> {
  if (result === 'voucher-refused') throw new UsherError('voucher-used-up');
  if (result !== 'promo-refused') return;
  await reprice();
  throw promoUsedUp('total');
}

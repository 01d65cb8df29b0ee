import { makeId } from '#domain/ids.ts';
import type { Promo } from '#domain/promo.ts';
import type { Voucher } from '#domain/voucher.ts';

const organizerId = makeId('organizer', '4'.padStart(26, '0'));

/** A tenth off, for one booking in all. */
export const promoOf = (change: Partial<Promo> = {}): Promo => ({
  promoId: makeId('promo', '5'.padStart(26, '0')),
  organizerId,
  code: 'EARLY',
  off: { by: 'percent', basisPoints: 1_000 },
  currency: null,
  eventIds: null,
  categories: null,
  validFrom: null,
  validTo: null,
  redemptionsMax: 1,
  perBuyerMax: null,
  ticketsMin: 1,
  disabled: false,
  ...change,
});

/** A voucher in EUR that nobody has used. */
export const voucherOf = (worth: number): Voucher => ({
  voucherId: makeId('voucher', '6'.padStart(26, '0')),
  organizerId,
  currency: 'EUR',
  amount: worth,
  balance: worth,
  disabled: false,
});

import type { Bill } from '#domain/bill.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import { discounted } from '#domain/discount.ts';
import { UsherError } from '#domain/errors.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { assertPromo, type Promo, type PromoUses } from '#domain/promo.ts';
import { assertVoucher, type Voucher, voucherPart } from '#domain/voucher.ts';

/** What a buyer brings to a checkout. Null: a code was given that the organizer does not have. */
export type Offers = {
  readonly promo?: { readonly rule: Promo; readonly uses: PromoUses } | null | undefined;
  readonly voucher?: Voucher | null | undefined;
};

/**
 * What a hold costs with these offers, and how that is paid: the quote after the promo code, then
 * as much as possible by voucher, the rest by card, or in cash. Nothing is taken yet. Throws
 * `promo-code-unknown`, `voucher-unknown`, and what `assertPromo` and `assertVoucher` throw.
 */
export function checkoutPrice(
  hold: HoldView,
  offers: Offers,
  now: number,
  by: 'card' | 'cash' = 'card',
): BookingTerms {
  const { promo, voucher } = knownOffers(offers);
  if (promo === undefined && voucher === undefined) return { quote: hold.quote };
  const { currency } = hold.quote;
  let { quote } = hold;
  if (promo !== undefined) {
    const categories = hold.seats.map(({ category }) => category);
    assertPromo(promo.rule, { eventId: hold.eventId, currency, categories, now }, promo.uses);
    quote = discounted(quote, promo.rule);
  }
  if (voucher !== undefined) assertVoucher(voucher, { currency });
  const balance = voucher?.balance ?? 0;
  // Cash has no least amount that the voucher must leave.
  const amount =
    by === 'cash' ? Math.min(balance, quote.total) : voucherPart(balance, quote.total, currency);
  const bill: Bill = {
    by,
    ...(promo && { promo: promoOf(promo.rule) }),
    ...(voucher && amount > 0 && { voucher: { voucherId: voucher.voucherId, amount } }),
  };
  return { quote, bill };
}

/** Throws `promo-code-unknown` or `voucher-unknown` for what the organizer does not have. */
export function knownOffers({ promo, voucher }: Offers) {
  if (promo === null) throw new UsherError('promo-code-unknown');
  if (voucher === null) throw new UsherError('voucher-unknown');
  return { promo, voucher };
}

/** What a bill says of a promo code. */
export const promoOf = ({ promoId, code, ticketsMin }: Promo): NonNullable<Bill['promo']> => ({
  promoId,
  code,
  ...(ticketsMin > 1 ? { ticketsMin } : {}),
});

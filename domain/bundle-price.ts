import type { Bill } from '#domain/bill.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import { type Bundle, heldParts } from '#domain/bundle.ts';
import { knownOffers, type Offers, promoOf } from '#domain/checkout-price.ts';
import { reduced } from '#domain/discount.ts';
import { roundedTo, stepOf } from '#domain/money.ts';
import type { Quote } from '#domain/pricing.ts';
import { appliesTo, fittingUses, type Promo, type PromoOff } from '#domain/promo.ts';
import { split } from '#domain/split.ts';
import { assertVoucher, voucherPart } from '#domain/voucher.ts';

/** What an order costs and how it is paid. The parts add up to the whole, exactly. */
export type BundleTerms = {
  /** Its bill is what the order takes. */
  readonly whole: BookingTerms;
  /** Of each event, in the order of the members; their bills say which part of it is theirs. */
  readonly parts: readonly BookingTerms[];
};

/**
 * What a held bundle costs with these offers, and how that is paid: the price of the package, less
 * a promo code for those of its events that the code is for, then as much as possible by voucher,
 * the rest by card. A voucher pays of each event in proportion to its price. Nothing is taken yet.
 * Throws as `checkoutPrice` does.
 */
export function bundlePrice(b: Bundle, offers: Offers, now: number): BundleTerms {
  const { promo, voucher } = knownOffers(offers);
  const own = heldParts(b).map(({ quote }) => quote);
  const fits = promo && fittingUses(promo.rule, usesOf(b), promo.uses, now);
  const quotes = promo && fits ? packageDiscounted(own, promo.rule, fits) : own;
  const whole = sumOf(quotes);
  const { currency, total } = whole;
  if (voucher !== undefined) assertVoucher(voucher, { currency });
  const byVoucher = voucher === undefined ? 0 : voucherPart(voucher.balance, total, currency);
  const shares = split(
    byVoucher,
    quotes.map((quote) => quote.total),
    stepOf(currency),
  );
  const code = promo && promoOf(promo.rule);
  const terms = (quote: Quote, part: Bill['promo'], amount: number): BookingTerms => {
    const paid = voucher && amount > 0 ? { voucherId: voucher.voucherId, amount } : undefined;
    if (part === undefined && paid === undefined) return { quote };
    return {
      quote,
      bill: { by: 'card', ...(part && { promo: part }), ...(paid && { voucher: paid }) },
    };
  };
  return {
    whole: terms(whole, code, byVoucher),
    parts: quotes.map((quote, i) =>
      terms(quote, fits?.[i] === true ? code : undefined, shares[i] ?? 0),
    ),
  };
}

const usesOf = (b: Bundle) =>
  heldParts(b).map(({ seats, quote: { currency } }, i) => ({
    eventId: b.members[i]?.eventId ?? '',
    currency,
    categories: seats.map(({ category }) => category),
  }));

/**
 * The quotes of a package's events after a promo code. It is worked out once for all tickets that
 * it is for, of what the package has left of their prices, and divides in proportion to that; so
 * what is off the events adds up to it exactly.
 */
export function packageDiscounted(
  quotes: readonly Quote[],
  promo: Pick<Promo, 'code' | 'off' | 'categories'>,
  fits: readonly boolean[],
): readonly Quote[] {
  const lines = quotes.flatMap((quote, at) =>
    quote.lines
      .filter(({ category }) => fits[at] === true && appliesTo(promo, category))
      .map(({ category, quantity }) => ({ at, category, quantity, net: netOf(quote, category) })),
  );
  const off = offLines(lines, promo.off, stepOf(quotes[0]?.currency ?? ''));
  return quotes.map((quote, at) => {
    if (fits[at] !== true) return quote;
    const own = lines.flatMap((line, i) =>
      line.at === at ? [{ category: line.category, amount: off[i] ?? 0 }] : [],
    );
    return reduced(quote, promo, own);
  });
}

/** What the package leaves of the price of a category's tickets. */
function netOf({ lines, discount }: Quote, category: string): number {
  const of = (some: readonly { readonly category: string; readonly amount: number }[] = []) =>
    some.find((line) => line.category === category)?.amount ?? 0;
  return of(lines) - of(discount?.lines);
}

type Line = { readonly net: number; readonly quantity: number };

function offLines(lines: readonly Line[], off: PromoOff, step: number): readonly number[] {
  const nets = lines.map(({ net }) => net);
  const all = nets.reduce((sum, net) => sum + net, 0);
  switch (off.by) {
    case 'percent':
      return split(Math.min(all, roundedTo(step, all, off.basisPoints, 10_000)), nets, step);
    case 'per-ticket':
      return lines.map(({ net, quantity }) => Math.min(net, off.amount * quantity));
    case 'per-booking':
      return split(Math.min(all, off.amount), nets, step);
  }
}

/** Prices of all events as one. */
function sumOf(quotes: readonly Quote[]): Quote {
  const sum = (part: 'fees' | 'taxes' | 'total') => quotes.reduce((all, q) => all + q[part], 0);
  return {
    currency: quotes[0]?.currency ?? '',
    lines: quotes.flatMap(({ lines }) => lines),
    fees: sum('fees'),
    taxes: sum('taxes'),
    total: sum('total'),
  };
}

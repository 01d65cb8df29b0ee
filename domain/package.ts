import { type Currency, roundedTo, stepOf } from '#domain/money.ts';
import type { Quote } from '#domain/pricing.ts';
import { split } from '#domain/split.ts';

/**
 * An organizer's offer: tickets of several events at one price, together or not at all. Times are
 * epoch ms, amounts minor units of `currency`.
 */
export type Package = {
  readonly packageId: string;
  readonly organizerId: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly currency: Currency;
  /** In the order of their ids, none twice. */
  readonly events: readonly PackageEvent[];
  readonly price: PackagePrice;
  readonly opensAt: number | null;
  readonly closesAt: number | null;
  /** So many may be reserved or sold at a time; null: as many as there are seats. */
  readonly limit: number | null;
  /** Reserved and sold ones; kept where there is a limit. */
  readonly taken: number;
  /** Whether buyers may cancel one event of it, or single tickets. */
  readonly divisible: boolean;
  readonly disabled: boolean;
};

export type PackageEvent = {
  readonly eventId: string;
  /** Tickets of this category only. */
  readonly category?: string | undefined;
};

export type PackagePrice =
  /** Of what the tickets cost by themselves, fees and taxes included. */
  | { readonly by: 'discount'; readonly basisPoints: number }
  /** Of one package, fees and taxes included; never more than its tickets by themselves. */
  | { readonly by: 'fixed'; readonly amount: number };

export type PackageState = 'on-sale' | 'scheduled' | 'closed' | 'sold-out' | 'disabled';

/** Whether one of it can be had at `now` as far as the package goes, and why not. */
export function packageStateAt(offer: Package, now: number): PackageState {
  if (offer.disabled) return 'disabled';
  if (offer.closesAt !== null && now >= offer.closesAt) return 'closed';
  if (offer.opensAt !== null && now < offer.opensAt) return 'scheduled';
  return offer.limit !== null && offer.taken >= offer.limit ? 'sold-out' : 'on-sale';
}

/** What `quantity` packages cost whose tickets by themselves cost `separately`. */
export function packageTotal(
  { price, currency }: Pick<Package, 'price' | 'currency'>,
  quantity: number,
  separately: number,
): number {
  if (price.by === 'fixed') return Math.min(price.amount * quantity, separately);
  // Half a unit of discount goes to the buyer.
  return separately - roundedTo(stepOf(currency), separately, price.basisPoints, 10_000);
}

type Offered = Pick<Package, 'packageId' | 'price' | 'currency'>;

/**
 * The quotes of the events at the price of the package. Their totals add up to it exactly: it
 * divides in proportion to what each event costs by itself. Prices, fees and taxes of an event
 * shrink as its total does.
 */
export function packageQuotes(
  offer: Offered,
  quantity: number,
  quotes: readonly Quote[],
): readonly Quote[] {
  const totals = quotes.map(({ total }) => total);
  const separately = totals.reduce((a, b) => a + b, 0);
  const parts = split(packageTotal(offer, quantity, separately), totals, stepOf(offer.currency));
  return quotes.map((quote, i) => shrunk(quote, parts[i] ?? 0, offer.packageId));
}

/** The quote with another total, its parts in their old proportion. */
function shrunk(quote: Quote, total: number, code: string): Quote {
  if (quote.total === 0) return quote;
  const step = stepOf(quote.currency);
  const weights = quote.lines.map((line) => line.amount);
  const face = weights.reduce((a, b) => a + b, 0);
  const added = quote.total - face - quote.fees;
  const [net = 0, fees = 0, stillAdded = 0] = split(total, [face, quote.fees, added], step);
  const off = split(face - net, weights, step);
  const lines = quote.lines.map(({ category }, i) => ({ category, amount: off[i] ?? 0 }));
  const amount = face - net;
  const included = roundedTo(step, quote.taxes - added, total, quote.total);
  return {
    ...quote,
    discount: { code, off: { by: 'per-booking', amount }, amount, lines },
    fees,
    taxes: included + stillAdded,
    total,
  };
}

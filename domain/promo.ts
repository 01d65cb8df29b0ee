import { type ErrorData, type FieldError, UsherError } from '#domain/errors.ts';
import { isCurrency } from '#domain/event.ts';
import { stepOf } from '#domain/money.ts';

/** What a promo code takes off; rates in basis points (1 000 = 10 %), amounts in minor units. */
export type PromoOff =
  | { readonly by: 'percent'; readonly basisPoints: number }
  | { readonly by: 'per-ticket' | 'per-booking'; readonly amount: number };

/** A promo code of an organizer, as it decides. Times are epoch ms; null: without a bound. */
export type Promo = {
  readonly promoId: string;
  readonly organizerId: string;
  /** As the organizer spells it. */
  readonly code: string;
  readonly off: PromoOff;
  /** Of the amounts; only events in this currency can use it. Null for a percentage. */
  readonly currency: string | null;
  /** Null: all of the organizer's. */
  readonly eventIds: readonly string[] | null;
  /** Names of price categories; null: all. */
  readonly categories: readonly string[] | null;
  readonly validFrom: number | null;
  readonly validTo: number | null;
  /** Bookings that may use it in all, a package being one; null: any number. */
  readonly redemptionsMax: number | null;
  readonly perBuyerMax: number | null;
  /** Tickets of its categories that a booking needs at least, of a package each event. */
  readonly ticketsMin: number;
  readonly disabled: boolean;
};

/** What an organizer may say of a code, and change. */
export type PromoRule = Omit<Promo, 'promoId' | 'organizerId' | 'code' | 'disabled'>;

/** What is wrong with a rule; empty when nothing is. */
export function promoMistakes(rule: PromoRule): FieldError[] {
  const { off, currency, validFrom, validTo } = rule;
  const mistakes: FieldError[] = [];
  const check = (holds: boolean, path: string, message: string): void => {
    if (!holds) mistakes.push({ path, message });
  };
  const inOrder = validFrom === null || validTo === null || validTo > validFrom;
  check(inOrder, 'validTo', 'must be after validFrom');
  if (currency !== null) check(isCurrency(currency), 'currency', `${currency} is not a currency`);
  if (off.by === 'percent') return mistakes;
  check(currency !== null, 'currency', 'is needed for an amount');
  const step = stepOf(currency ?? '');
  check(off.amount % step === 0, 'off.amount', `must be a multiple of ${step} in ${currency}`);
  return mistakes;
}

/** How often a code was used: by bookings under way or sold, those given back not counted. */
export type PromoUses = { readonly inAll: number; readonly byBuyer: number };

/** Codes are the same whatever their case and outer blanks. */
export const promoKey = (code: string): string => code.trim().normalize('NFKC').toUpperCase();

/** What a code is asked about. */
export type PromoUse = {
  readonly eventId: string;
  readonly currency: string;
  /** Of each ticket. */
  readonly categories: readonly string[];
  readonly now: number;
};

const iso = (at: number): string => new Date(at).toISOString();

/**
 * Throws why a code cannot be used for a booking: `promo-code-inactive` (switched off, too early,
 * too late), `promo-code-not-applicable` (other events, categories or currency, too few tickets),
 * `promo-code-used-up` (`limit`: `total` or `buyer`). The limits are held to once more, and for
 * good, when the booking is written.
 */
export function assertPromo(promo: Promo, use: PromoUse, uses: PromoUses): void {
  assertActive(promo, use.now);
  const misfit = misfitOf(promo, use);
  if (misfit !== undefined) throw misfit;
  assertUses(promo, uses);
}

/**
 * Which of a package's events a code is for: each is asked about as if it were booked by itself.
 * Throws as `assertPromo` does when it is for none of them.
 */
export function fittingUses(
  promo: Promo,
  events: readonly Omit<PromoUse, 'now'>[],
  uses: PromoUses,
  now: number,
): readonly boolean[] {
  assertActive(promo, now);
  const misfits = events.map((use) => misfitOf(promo, use));
  const fits = misfits.map((misfit) => misfit === undefined);
  const [first] = misfits;
  if (first !== undefined && !fits.includes(true)) throw first;
  assertUses(promo, uses);
  return fits;
}

function assertActive({ disabled, validFrom, validTo }: Promo, now: number): void {
  if (disabled) throw new UsherError('promo-code-inactive', 'This code was switched off');
  if (validFrom !== null && now < validFrom) {
    const from = iso(validFrom);
    throw new UsherError('promo-code-inactive', `This code is valid from ${from}`, { from });
  }
  if (validTo !== null && now >= validTo) {
    const to = iso(validTo);
    throw new UsherError('promo-code-inactive', `This code was valid until ${to}`, { to });
  }
}

/** Why a code is not for these tickets; undefined: it is. */
function misfitOf(promo: Promo, use: Omit<PromoUse, 'now'>): UsherError | undefined {
  const { eventIds, ticketsMin, currency } = promo;
  if (eventIds !== null && !eventIds.includes(use.eventId)) {
    return notApplicable('This code is for other events');
  }
  if (currency !== null && currency !== use.currency) {
    return notApplicable(`This code is for prices in ${currency}`, { currency });
  }
  const fitting = use.categories.filter((category) => appliesTo(promo, category)).length;
  if (fitting === 0) {
    return notApplicable('This code is for other categories', { categories: promo.categories });
  }
  if (fitting < ticketsMin) {
    return notApplicable(`This code needs at least ${ticketsMin} tickets`, { ticketsMin });
  }
  return undefined;
}

function assertUses({ redemptionsMax, perBuyerMax }: Promo, uses: PromoUses): void {
  if (redemptionsMax !== null && uses.inAll >= redemptionsMax) throw promoUsedUp('total');
  if (perBuyerMax !== null && uses.byBuyer >= perBuyerMax) throw promoUsedUp('buyer');
}

const notApplicable = (why: string, data: ErrorData = {}): UsherError =>
  new UsherError('promo-code-not-applicable', why, data);

export const promoUsedUp = (limit: 'total' | 'buyer'): UsherError => {
  const why = limit === 'total' ? 'It has been used as often as it may be' : 'You have used it';
  return new UsherError('promo-code-used-up', why, { limit });
};

export const appliesTo = ({ categories }: Pick<Promo, 'categories'>, category: string): boolean =>
  categories === null || categories.includes(category);

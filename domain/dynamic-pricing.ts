import type { FieldError } from '#domain/errors.ts';
import { roundedTo, stepOf } from '#domain/money.ts';

const wholeRate = 10_000;

/**
 * How the price of one category moves, as its organizer says it. Amounts in minor units, rates in
 * basis points of `base`. Of each kind of steps the last one that is reached counts; the two kinds
 * add up. A `manual` price stands instead of all steps.
 */
export type PriceRule = {
  readonly category: string;
  readonly base: number;
  readonly floor: number;
  readonly ceiling: number;
  /** Reached when `from` basis points of the category's places are sold. */
  readonly bySold: readonly { readonly from: number; readonly basisPoints: number }[];
  /** Reached when no more than `hours` are left to the event's beginning. */
  readonly byTime: readonly { readonly hours: number; readonly basisPoints: number }[];
  /** Prices are multiples of it, but for floor and ceiling themselves. */
  readonly roundTo: number;
  readonly manual?: number | null | undefined;
};

/** What a rule looks at. Places that are blocked count as neither sold nor there. */
export type PriceMoment = {
  readonly sold: number;
  readonly places: number;
  /** Epoch ms. */
  readonly startsAt: number;
  readonly now: number;
};

/** One reason for a price: what it made of it (minor units), in words for the organizer. */
export type PriceReason = {
  readonly by: 'base' | 'manual' | 'sold' | 'time' | 'rounding' | 'floor' | 'ceiling' | 'organizer';
  readonly amount: number;
  readonly says: string;
};

export type ExplainedPrice = {
  readonly amount: number;
  /** In the order in which they made it; the last one's amount is the price. */
  readonly because: readonly PriceReason[];
};

/** A category's price that changed, and why. */
export type PriceMove = {
  readonly category: string;
  readonly from: number;
  readonly to: number;
  readonly because: readonly PriceReason[];
};

const hourMs = 3_600_000;
const percent = (basisPoints: number): string => `${basisPoints / 100} %`;
const signed = (basisPoints: number): string =>
  `${basisPoints < 0 ? '−' : '+'}${percent(Math.abs(basisPoints))}`;

/** The price that a rule asks at this moment: never below its floor or above its ceiling. */
export function priceBy(rule: PriceRule, moment: PriceMoment): ExplainedPrice {
  const because: PriceReason[] = [];
  let amount = rule.base;
  const step = (by: PriceReason['by'], to: number, says: string): void => {
    amount = to;
    because.push({ by, amount, says });
  };
  if (rule.manual !== undefined && rule.manual !== null) {
    step('manual', rule.manual, 'Set by hand');
  } else {
    step('base', rule.base, 'The base price');
    reckon(rule, moment, step);
    const rounded = roundedTo(rule.roundTo, amount, 1, 1);
    if (rounded !== amount) step('rounding', rounded, `Rounded to ${rule.roundTo}`);
  }
  if (amount > rule.ceiling) step('ceiling', rule.ceiling, 'Not above the ceiling');
  if (amount < rule.floor) step('floor', rule.floor, 'Not below the floor');
  return { amount, because };
}

/** Applies the steps that are reached. */
function reckon(
  rule: PriceRule,
  { sold, places, startsAt, now }: PriceMoment,
  step: (by: 'sold' | 'time', to: number, says: string) => void,
): void {
  const share = places === 0 ? 0 : Math.floor((sold * wholeRate) / places);
  const bySold = rule.bySold.filter(({ from }) => share >= from).at(-1);
  const left = startsAt - now;
  const byTime = rule.byTime.filter(({ hours }) => left <= hours * hourMs).at(-1);
  const priceAt = (rate: number): number =>
    roundedTo(1, rule.base, Math.max(wholeRate + rate, 0), wholeRate);
  let rate = 0;
  if (bySold !== undefined) {
    rate += bySold.basisPoints;
    const reached = `${percent(share)} sold, ${percent(bySold.from)} reached`;
    step('sold', priceAt(rate), `${reached}: ${signed(bySold.basisPoints)}`);
  }
  if (byTime !== undefined) {
    rate += byTime.basisPoints;
    const reached = `At most ${byTime.hours} h to the beginning`;
    step('time', priceAt(rate), `${reached}: ${signed(byTime.basisPoints)}`);
  }
}

type Priced = {
  readonly currency: string;
  readonly prices: readonly { readonly category: string; readonly amount: number }[];
};

/** What changes in the prices of an event by its rules, given what is sold of each category. */
export function priceMoves(
  { prices, pricing }: Pick<Priced, 'prices'> & { readonly pricing: readonly PriceRule[] },
  momentOf: (category: string) => PriceMoment,
): readonly PriceMove[] {
  return prices.flatMap(({ category, amount: from }) => {
    const rule = pricing.find((one) => one.category === category);
    if (rule === undefined) return [];
    const { amount: to, because } = priceBy(rule, momentOf(category));
    return to === from ? [] : [{ category, from, to, because }];
  });
}

const ascending = (values: readonly number[]): boolean =>
  values.every((value, i) => i === 0 || value > (values[i - 1] ?? value));

/** What is wrong with an event's rules; empty when nothing is. */
export function pricingMistakes(event: Priced, pricing: readonly PriceRule[]): FieldError[] {
  const mistakes: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, rule] of pricing.entries()) {
    const check = (holds: boolean, field: string, message: string): void => {
      if (!holds) mistakes.push({ path: `pricing.${i}.${field}`, message });
    };
    const { category, base, floor, ceiling, manual, roundTo, bySold, byTime } = rule;
    const price = event.prices.find((one) => one.category === category)?.amount;
    const within = (amount: number | null | undefined): boolean =>
      amount === undefined || amount === null || (amount >= floor && amount <= ceiling);
    check(price !== undefined, 'category', `category "${category}" has no price`);
    check(!seen.has(category), 'category', `category "${category}" has two rules`);
    check(floor <= ceiling, 'ceiling', 'must not be below the floor');
    check(within(base), 'base', 'must lie between floor and ceiling');
    check(within(price), 'floor', `the price ${price} must lie between floor and ceiling`);
    check(within(manual), 'manual', 'must lie between floor and ceiling');
    const unit = stepOf(event.currency);
    for (const [field, amount] of Object.entries({ floor, ceiling, roundTo, manual })) {
      check((amount ?? 0) % unit === 0, field, `must be a multiple of ${unit} ${event.currency}`);
    }
    check(ascending(bySold.map(({ from }) => from)), 'bySold', 'must ascend by `from`');
    check(ascending(byTime.map(({ hours }) => -hours)), 'byTime', 'must descend by `hours`');
    seen.add(category);
  }
  return mistakes;
}

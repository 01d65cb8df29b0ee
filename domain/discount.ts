import { roundedTo, stepOf } from '#domain/money.ts';
import type { Discount, DiscountLines, Quote, QuoteLine } from '#domain/pricing.ts';
import { appliesTo, type Promo, type PromoOff } from '#domain/promo.ts';
import { split } from '#domain/split.ts';

/**
 * The quote after a promo code. The code takes its part off the ticket prices of its categories,
 * never more than they are; fees stay as quoted. Taxes shrink in the proportion in which lines and
 * fees together do: those that are contained and those that are added each for themselves, halves
 * up. What is charged stays a multiple of what the currency can be charged in. A code that takes
 * nothing off changes nothing but the record that it was used.
 */
export function discounted(quote: Quote, promo: Pick<Promo, 'code' | 'off' | 'categories'>): Quote {
  const lines = discountLines(quote.lines, promo, stepOf(quote.currency));
  return reduced(quote, promo, lines);
}

/** The quote with a code's `lines` off it, beside what a package has taken off before. */
export function reduced(
  quote: Quote,
  { code, off }: Pick<Promo, 'code' | 'off'>,
  lines: DiscountLines,
): Quote {
  const step = stepOf(quote.currency);
  const amount = sumOf(lines);
  const before = sumOf(quote.lines) - (quote.discount?.amount ?? 0) + quote.fees;
  const after = before - amount;
  const added = quote.total - before;
  const inPart = (tax: number, unit: number): number =>
    before === 0 ? tax : roundedTo(unit, tax, after, before);
  const stillAdded = inPart(added, step);
  return {
    ...quote,
    discount: beside(quote.discount, { code, off, amount, lines }),
    taxes: inPart(quote.taxes - added, 1) + stillAdded,
    total: after + stillAdded,
  };
}

const sumOf = (lines: DiscountLines): number => lines.reduce((sum, { amount }) => sum + amount, 0);

/** What both take off; a code alone is the discount itself. */
function beside(ofPackage: Discount | undefined, promo: Discount): Discount {
  if (ofPackage === undefined) return promo;
  const more = new Map(promo.lines.map(({ category, amount }) => [category, amount]));
  const lines = ofPackage.lines.map(({ category, amount }) => {
    return { category, amount: amount + (more.get(category) ?? 0) };
  });
  return { ...ofPackage, amount: ofPackage.amount + promo.amount, lines, promo };
}

/** What is off each line that the code is for. */
function discountLines(
  lines: readonly QuoteLine[],
  promo: Pick<Promo, 'off' | 'categories'>,
  step: number,
): DiscountLines {
  const own = lines.filter(({ category }) => appliesTo(promo, category));
  const amounts = offLines(own, promo.off, step);
  return own.map(({ category }, i) => ({ category, amount: amounts[i] ?? 0 }));
}

function offLines(lines: readonly QuoteLine[], off: PromoOff, step: number): readonly number[] {
  switch (off.by) {
    case 'percent':
      return lines.map(
        ({ unitAmount, quantity }) =>
          Math.min(unitAmount, roundedTo(step, unitAmount, off.basisPoints, 10_000)) * quantity,
      );
    case 'per-ticket':
      return lines.map(({ unitAmount, quantity }) => Math.min(unitAmount, off.amount) * quantity);
    case 'per-booking': {
      const all = lines.map(({ amount }) => amount);
      const whole = all.reduce((sum, amount) => sum + amount, 0);
      return split(Math.min(whole, off.amount), all, step);
    }
  }
}

import type { Bill, Instalment } from '#domain/bill.ts';
import type { FieldError } from '#domain/errors.ts';
import { type Money, money, stepOf } from '#domain/money.ts';
import type { Quote } from '#domain/pricing.ts';
import { split } from '#domain/split.ts';

/** How an organizer lets buyers of an event pay in parts. */
export type InstalmentPlan = {
  /** The organizer's own name for it. */
  readonly planId: string;
  readonly parts: number;
  /** The first part, due at checkout, in basis points of the total. */
  readonly firstBasisPoints: number;
  /** Days from one part to the next; or `dates`. */
  readonly everyDays?: number | undefined;
  /** When the parts after the first are due (RFC 3339), in order. */
  readonly dates?: readonly string[] | undefined;
  /** The last part is due at least so many days before the event starts. */
  readonly lastDueDaysBefore: number;
  /** Only for totals from this on; minor units. */
  readonly minTotal: number;
  /** Added to the total, minor units; kept by the platform as a fee. */
  readonly fee: number;
} & DunningRules;

/** What holds while parts are still to be paid. */
export type DunningRules = {
  /** The tickets open the door before all is paid. */
  readonly admitsBeforePaid: boolean;
  /** Days to wait after the first failed charge, the second, …; after the last the booking ends. */
  readonly retryAfterDays: readonly number[];
  /** Kept of what was paid when the booking ends for want of payment; minor units. */
  readonly cancelFee: number;
};

export const partsBounds = { min: 2, max: 12 } as const;
export const plansMax = 10;
export const retriesMax = 6;

const dayMs = 24 * 3_600_000;
const whole = 10_000;

/** What is wrong with an event's plans; empty when nothing is. Ranges are the contract's. */
export function planMistakes(
  plans: readonly InstalmentPlan[],
  { startsAt, currency }: { readonly startsAt: number; readonly currency: string },
): FieldError[] {
  const mistakes: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, plan] of plans.entries()) {
    const check = (holds: boolean, field: string, message: string): void => {
      if (!holds) mistakes.push({ path: `instalmentPlans.${i}.${field}`, message });
    };
    const { planId, parts, everyDays, dates, lastDueDaysBefore } = plan;
    check(!seen.has(planId), 'planId', `two plans are called ${planId}`);
    seen.add(planId);
    const step = stepOf(currency);
    const charged = plan.fee % step === 0 && plan.cancelFee % step === 0;
    check(charged, 'fee', `fees must be multiples of ${step} minor units of ${currency}`);
    const tries = plan.retryAfterDays.reduce((sum, days) => sum + days, 0);
    const fits = lastDueDaysBefore >= tries;
    check(fits, 'lastDueDaysBefore', `must leave the ${tries} days of further tries`);
    check((everyDays === undefined) !== (dates === undefined), 'everyDays', 'give it or dates');
    if (dates === undefined) continue;
    const times = dates.map((date) => Date.parse(date));
    check(times.length === parts - 1, 'dates', `one for each of the ${parts - 1} later parts`);
    const inOrder = times.every((at, n) => n === 0 || at > (times[n - 1] ?? 0));
    check(inOrder, 'dates', 'must stand in order');
    const last = startsAt - lastDueDaysBefore * dayMs;
    check((times.at(-1) ?? 0) <= last, 'dates', 'the last is too late before the event');
  }
  return mistakes;
}

/** A schedule for a total, or why the plan does not fit it. */
export type Schedule =
  | { readonly instalments: readonly Instalment[] }
  | { readonly refused: string };

/**
 * The parts of a total (the plan's fee included) when the first is paid at `now`: they
 * add up to it, each is above 0, each is due after the one before it, the last in time before the
 * event. Times epoch ms.
 */
export function scheduleOf(
  plan: InstalmentPlan,
  { amount: total, currency }: Money,
  now: number,
  startsAt: number,
): Schedule {
  if (total - plan.fee < plan.minTotal) return { refused: 'The total is too low for this plan' };
  const later = plan.parts - 1;
  const step = stepOf(currency);
  const first = Math.floor((total * plan.firstBasisPoints) / whole / step) * step;
  const equal = Array.from({ length: later }, () => 1);
  const amounts = [first, ...split(total - first, equal, step)];
  if (amounts.some((amount) => amount <= 0)) {
    return { refused: 'The total cannot be divided into so many parts' };
  }
  const times = timesOf(plan, now);
  if (times.some((at, i) => i > 0 && at <= (times[i - 1] ?? 0))) {
    return { refused: 'A date of this plan has passed' };
  }
  if ((times.at(-1) ?? now) > startsAt - plan.lastDueDaysBefore * dayMs) {
    return { refused: 'The event is too near for this plan' };
  }
  const instalments = amounts.map((amount, i) => ({ no: i + 1, amount, dueAt: times[i] ?? now }));
  return { instalments };
}

const timesOf = ({ parts, everyDays, dates }: InstalmentPlan, now: number): readonly number[] =>
  dates === undefined
    ? Array.from({ length: parts }, (_, i) => now + i * (everyDays ?? 0) * dayMs)
    : [now, ...dates.map((date) => Date.parse(date))];

/** What a checkout would be without the plan: its quote, and how that is paid. */
type Terms = { readonly quote: Quote; readonly bill?: Bill | undefined };

/**
 * The terms of a checkout that is paid by this plan: its fee added to the quote, and what the card
 * pays divided. `refused`: the plan does not fit.
 */
export function planned(
  { quote, bill }: Terms,
  plan: InstalmentPlan,
  now: number,
  startsAt: number,
): Required<Terms> | { readonly refused: string } {
  const { planId, fee, admitsBeforePaid, retryAfterDays, cancelFee } = plan;
  const dearer = { ...quote, fees: quote.fees + fee, total: quote.total + fee };
  const byCard = dearer.total - (bill?.voucher?.amount ?? 0);
  const sum = money(byCard, quote.currency);
  const schedule = scheduleOf(plan, sum, now, startsAt);
  if ('refused' in schedule) return schedule;
  const rules = { planId, admitsBeforePaid, retryAfterDays, cancelFee };
  const { instalments } = schedule;
  return { quote: dearer, bill: { ...bill, by: 'card', instalments, plan: rules } };
}

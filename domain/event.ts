import { type PriceRule, pricingMistakes } from '#domain/dynamic-pricing.ts';
import { assertNever, type FieldError, UsherError } from '#domain/errors.ts';
import { type InstalmentPlan, planMistakes } from '#domain/instalment-plan.ts';
import type { EventLimits, SaleStatus, Terms } from '#domain/inventory/terms.ts';
import { stepOf } from '#domain/money.ts';
import type { FeeRule, TaxRule } from '#domain/pricing.ts';
import { type RefundRules, refundRuleMistakes } from '#domain/refund-rules.ts';

export const eventCategories = [
  'concert',
  'festival',
  'club',
  'theatre',
  'opera',
  'dance',
  'comedy',
  'movie',
  'sport',
  'family',
  'exhibition',
  'conference',
  'other',
] as const;
export type EventCategory = (typeof eventCategories)[number];

/** Where an event may be sold: by its buyers themselves, and over the counter. */
export const saleChannels = ['public', 'box-office'] as const;
export type SaleChannel = (typeof saleChannels)[number];

/** What its organizer made of an event. Whether it sells at a given moment is `saleStateAt`. */
export const eventStatuses = ['draft', 'published', 'paused', 'cancelled'] as const;
export type EventStatus = (typeof eventStatuses)[number];

export const saleStates = [
  'not-published',
  'scheduled',
  'on-sale',
  'paused',
  'closed',
  'ended',
  'cancelled',
] as const;
export type SaleState = (typeof saleStates)[number];

export type EventMove = 'publish' | 'pause' | 'resume' | 'cancel';

const moves: Readonly<Record<EventMove, { from: readonly EventStatus[]; to: EventStatus }>> = {
  publish: { from: ['draft'], to: 'published' },
  pause: { from: ['published'], to: 'paused' },
  resume: { from: ['paused'], to: 'published' },
  cancel: { from: ['draft', 'published', 'paused'], to: 'cancelled' },
};

/**
 * The status after `move`; the same status when the move has been made already (so that it may be
 * repeated). Throws `state-forbids` otherwise.
 */
export function statusAfter(status: EventStatus, move: EventMove): EventStatus {
  const { from, to } = moves[move];
  // A draft that was never published is not "resumed", but a published one may be published again.
  if (status === to) return status;
  if (!from.includes(status)) {
    throw new UsherError('state-forbids', `A ${status} event cannot be ${participle[move]}`, {
      eventStatus: status,
    });
  }
  return to;
}

const participle: Readonly<Record<EventMove, string>> = {
  publish: 'published',
  pause: 'paused',
  resume: 'resumed',
  cancel: 'cancelled',
};

/** The part of an event that its sale depends on. All times epoch ms. */
export type EventTimes = {
  readonly status: EventStatus;
  readonly endsAt: number;
  readonly opensAt: number | null;
  readonly closesAt: number | null;
};

/** Whether tickets can be had at `now`, and why not. */
export function saleStateAt(event: EventTimes, now: number): SaleState {
  switch (event.status) {
    case 'draft':
      return 'not-published';
    case 'cancelled':
      return 'cancelled';
    case 'paused':
    case 'published':
      if (now >= event.endsAt) return 'ended';
      if (event.closesAt !== null && now >= event.closesAt) return 'closed';
      if (event.status === 'paused') return 'paused';
      return event.opensAt !== null && now < event.opensAt ? 'scheduled' : 'on-sale';
    default:
      return assertNever(event.status);
  }
}

export type EventPrice = { readonly category: string; readonly amount: number };

/** What an organizer decides about the sale, as it is checked and made into terms. */
export type EventRules = EventTimes & {
  readonly startsAt: number;
  readonly zone: string;
  readonly currency: string;
  readonly prices: readonly EventPrice[];
  /** How prices move by themselves; absent: they do not. */
  readonly pricing?: readonly PriceRule[] | undefined;
  readonly fees: readonly FeeRule[];
  readonly taxes: readonly TaxRule[];
  readonly limits: Partial<EventLimits>;
  /** Absent: all. */
  readonly channels?: readonly SaleChannel[];
  /** Absent: `defaultRefundRules`. */
  readonly refundRules?: RefundRules | undefined;
  /** Absent: all is paid at once. */
  readonly instalmentPlans?: readonly InstalmentPlan[] | undefined;
};

/** An IANA zone name that this runtime knows; offsets such as +02:00 are not names. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

export const isCurrency = (code: string): boolean => currencies.has(code);

/** What is wrong with an event on a chart with these categories; empty when nothing is. */
export function eventMistakes(event: EventRules, categories: readonly string[]): FieldError[] {
  const mistakes: FieldError[] = [];
  const check = (holds: boolean, path: string, message: string): void => {
    if (!holds) mistakes.push({ path, message });
  };
  check(event.endsAt > event.startsAt, 'endsAt', 'must be after startsAt');
  check(isZone(event.zone), 'zone', `${event.zone} is not an IANA time zone`);
  check(isCurrency(event.currency), 'currency', `${event.currency} is not a currency`);
  const { opensAt, closesAt } = event;
  const windowHolds = opensAt === null || closesAt === null || closesAt > opensAt;
  check(windowHolds, 'sale.closesAt', 'must be after sale.opensAt');
  if (event.refundRules !== undefined) mistakes.push(...refundRuleMistakes(event.refundRules));
  mistakes.push(...planMistakes(event.instalmentPlans ?? [], event));
  const priced = new Set<string>();
  for (const [i, { category }] of event.prices.entries()) {
    check(!priced.has(category), `prices.${i}`, `category "${category}" has two prices`);
    check(categories.includes(category), `prices.${i}`, `the chart has no category "${category}"`);
    priced.add(category);
  }
  const step = stepOf(event.currency);
  const chargeable = (amount: number, path: string): void =>
    check(amount % step === 0, path, `must be a multiple of ${step} in ${event.currency}`);
  for (const [i, { amount }] of event.prices.entries()) chargeable(amount, `prices.${i}`);
  for (const [i, { perTicket }] of event.fees.entries()) chargeable(perTicket, `fees.${i}`);
  mistakes.push(...pricingMistakes(event, event.pricing ?? []));
  for (const category of categories) {
    check(priced.has(category), 'prices', `category "${category}" has no price`);
  }
  return mistakes;
}

const saleStatusOf: Readonly<Record<Exclude<EventStatus, 'draft'>, SaleStatus>> = {
  published: 'open',
  paused: 'paused',
  cancelled: 'cancelled',
};

/** The terms of a published event for its seats. `ceilings` are the system's own limits. */
export function termsOf(
  event: EventRules & { readonly chartVersion: number },
  layout: string,
  ceilings: EventLimits,
): Terms {
  if (event.status === 'draft') throw new UsherError('state-forbids', 'A draft has no terms');
  const lowered = (own: number | undefined, ceiling: number): number =>
    Math.min(own ?? ceiling, ceiling);
  return {
    chartVersion: event.chartVersion,
    layout,
    currency: event.currency,
    prices: Object.fromEntries(event.prices.map(({ category, amount }) => [category, amount])),
    fees: event.fees,
    taxes: event.taxes,
    limits: {
      ticketsPerBuyer: lowered(event.limits.ticketsPerBuyer, ceilings.ticketsPerBuyer),
      liveHoldsPerBuyer: lowered(event.limits.liveHoldsPerBuyer, ceilings.liveHoldsPerBuyer),
      holdTtlMs: lowered(event.limits.holdTtlMs, ceilings.holdTtlMs),
    },
    sale: {
      status: saleStatusOf[event.status],
      opensAt: event.opensAt,
      // Nothing is sold once it is over.
      closesAt: Math.min(event.closesAt ?? event.endsAt, event.endsAt),
    },
    channels: event.channels ?? saleChannels,
    endsAt: event.endsAt,
  };
}

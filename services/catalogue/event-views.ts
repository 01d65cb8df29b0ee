import type { z } from 'zod';
import type { EventRow, PostponedRow } from '#adapters/store/event-rows.ts';
import type { EventView, eventCard, eventFields, PublicEvent } from '#contracts/event-schemas.ts';
import type { PublicVenue } from '#contracts/venues.contract.ts';
import { type EventRules, saleChannels, saleStateAt } from '#domain/event.ts';
import type { InstalmentPlan } from '#domain/instalment-plan.ts';
import type { Counts } from '#domain/inventory/commands.ts';
import type { EventLimits } from '#domain/inventory/terms.ts';
import { money } from '#domain/money.ts';
import { defaultRefundRules, type RefundRules } from '#domain/refund-rules.ts';

/** The fields of an event as they come in. */
export type EventInput = { [K in keyof typeof eventFields]: z.output<(typeof eventFields)[K]> };

const iso = (at: number): string => new Date(at).toISOString();
const maybeIso = (at: number | null): string | undefined => (at === null ? undefined : iso(at));
const ms = (text: string | undefined): number | null =>
  text === undefined ? null : Date.parse(text);

/** Drops what is undefined, so that rows and views have only what is there. */
function defined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const limitsFrom = (input: EventInput['limits']): Partial<EventLimits> =>
  defined({
    ticketsPerBuyer: input.ticketsPerBuyer,
    liveHoldsPerBuyer: input.liveHoldsPerBuyer,
    holdTtlMs: input.holdTtlSeconds === undefined ? undefined : input.holdTtlSeconds * 1_000,
  }) as Partial<EventLimits>;

/** The given fields as a row has them; those that are absent stay absent. */
export function rowFields(input: Partial<EventInput>): Partial<EventRow> {
  const { startsAt, endsAt, doorsAt, sale, limits, ...plain } = input;
  return defined({
    ...plain,
    startsAt: ms(startsAt) ?? undefined,
    endsAt: ms(endsAt) ?? undefined,
    doorsAt: ms(doorsAt) ?? undefined,
    opensAt: sale === undefined ? undefined : ms(sale.opensAt),
    closesAt: sale === undefined ? undefined : ms(sale.closesAt),
    limits: limits === undefined ? undefined : limitsFrom(limits),
  }) as Partial<EventRow>;
}

/** The rules of a new event. */
export const draftRules = (input: EventInput): EventRules => ({
  ...(rowFields(input) as EventRules),
  status: 'draft',
});

const saleOf = (row: EventRow) =>
  defined({ opensAt: maybeIso(row.opensAt), closesAt: maybeIso(row.closesAt) });

/** The rules as the contract has them. */
const rulesView = ({ tiers, ...rest }: RefundRules) => ({
  ...rest,
  tiers: tiers.map((tier) => ({ ...tier })),
});

const postponedView = ({ from, refundUntil }: PostponedRow) =>
  defined({ from: iso(from), refundUntil: maybeIso(refundUntil) });

/** The plans as the contract has them. */
const plansView = (plans: readonly InstalmentPlan[]): EventView['instalmentPlans'] =>
  plans.map(({ everyDays, dates, retryAfterDays, ...plan }) => ({
    ...plan,
    retryAfterDays: [...retryAfterDays],
    ...(everyDays === undefined ? {} : { everyDays }),
    ...(dates === undefined ? {} : { dates: [...dates] }),
  }));

const described = (row: EventRow) =>
  defined({
    title: row.title,
    description: row.description,
    category: row.category,
    performers: [...row.performers],
    ageLimit: row.ageLimit,
    startsAt: iso(row.startsAt),
    endsAt: iso(row.endsAt),
    doorsAt: maybeIso(row.doorsAt),
    zone: row.zone,
    currency: row.currency,
    fees: row.fees.map((fee) => ({ ...fee })),
    taxes: row.taxes.map((tax) => ({ ...tax })),
    instalmentPlans: plansView(row.instalmentPlans ?? []),
    refundRules: rulesView(row.refundRules ?? defaultRefundRules),
    postponed: row.postponed && postponedView(row.postponed),
  });

/** An event as its organizer sees it. */
export const organizerView = (row: EventRow): EventView => ({
  eventId: row._id,
  organizerId: row.organizerId,
  venueId: row.venueId,
  chartId: row.chartId,
  chartVersion: row.chartVersion,
  places: row.places,
  status: row.status,
  version: row.version,
  ...described(row),
  prices: row.prices.map((price) => ({ ...price })),
  pricing: (row.pricing ?? []).map(({ bySold, byTime, ...rule }) => ({
    ...rule,
    bySold: [...bySold],
    byTime: [...byTime],
  })),
  sale: saleOf(row),
  limits: defined({
    ticketsPerBuyer: row.limits.ticketsPerBuyer,
    liveHoldsPerBuyer: row.limits.liveHoldsPerBuyer,
    holdTtlSeconds:
      row.limits.holdTtlMs === undefined ? undefined : Math.floor(row.limits.holdTtlMs / 1_000),
  }),
  channels: [...(row.channels ?? saleChannels)],
  inventory: { sent: row.changesMade, applied: row.changesApplied },
  createdAt: iso(row.createdAt),
  updatedAt: iso(row.updatedAt),
});

/** An event as the public sees it. `ceilings` are the system's own limits. */
export function publicView(
  row: EventRow,
  venue: PublicVenue,
  counts: Counts | null,
  ceilings: EventLimits,
  now: number,
): PublicEvent {
  const { ticketsPerBuyer, holdTtlMs } = { ...ceilings, ...row.limits };
  return {
    eventId: row._id,
    organizerId: row.organizerId,
    venue,
    status: row.status,
    saleState: saleStateAt(row, now),
    ...described(row),
    sale: saleOf(row),
    prices: row.prices.map(({ category, amount }, i) => ({
      category,
      ...defined({ color: row.colors[i] ?? undefined }),
      price: money(amount, row.currency),
    })),
    limits: { ticketsPerBuyer, holdTtlSeconds: Math.floor(holdTtlMs / 1_000) },
    chartVersion: row.chartVersion,
    places: row.places,
    counts,
  };
}

/** An event in a list. */
export const cardView = (row: EventRow, now: number): z.infer<typeof eventCard> => ({
  eventId: row._id,
  title: row.title,
  category: row.category,
  performers: [...row.performers],
  startsAt: iso(row.startsAt),
  endsAt: iso(row.endsAt),
  zone: row.zone,
  status: row.status,
  saleState: saleStateAt(row, now),
});

import { type PackageRow, packageOf } from '#adapters/store/package-rows.ts';
import type { PublicEvent } from '#contracts/event-schemas.ts';
import type { PackageView, PublicPackageDetail } from '#contracts/package-schemas.ts';
import { money } from '#domain/money.ts';
import { packageStateAt, packageTotal } from '#domain/package.ts';
import { quoteFor } from '#domain/pricing.ts';

const iso = (at: number): string => new Date(at).toISOString();

const saleOf = ({ opensAt, closesAt }: PackageRow) => ({
  ...(opensAt === null ? {} : { opensAt: iso(opensAt) }),
  ...(closesAt === null ? {} : { closesAt: iso(closesAt) }),
});

/** A package as its organizer sees it. */
export function packageViewOf(row: PackageRow): PackageView {
  const { _id, price, opensAt: _o, closesAt: _c, createdAt, updatedAt, ...rest } = row;
  return {
    packageId: _id,
    ...rest,
    events: [...row.events],
    ...(price.by === 'fixed'
      ? { fixedPrice: price.amount }
      : { discountBasisPoints: price.basisPoints }),
    sale: saleOf(row),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

/** A package in a list of the public's. */
export function publicPackageOf(row: PackageRow, now: number) {
  const { _id: packageId, organizerId, name, description, price, limit, taken, divisible } = row;
  const state = packageStateAt(packageOf(row), now);
  return {
    packageId,
    organizerId,
    name,
    ...(description === undefined ? {} : { description }),
    state: state === 'disabled' ? ('closed' as const) : state,
    sale: saleOf(row),
    ...(price.by === 'fixed'
      ? { fixedPrice: money(price.amount, row.currency) }
      : { discountBasisPoints: price.basisPoints }),
    left: limit === null ? null : Math.max(0, limit - taken),
    divisible,
    events: [...row.events],
  };
}

/** One ticket by itself, of this category or the cheapest, minor units. */
function fromPrice(event: PublicEvent, category: string | undefined): number {
  const own = event.prices.filter((price) => category === undefined || price.category === category);
  const prices = Object.fromEntries(own.map((one) => [one.category, one.price.amount]));
  const terms = { currency: event.currency, prices, fees: event.fees, taxes: event.taxes };
  return Math.min(...own.map((one) => quoteFor(terms, { [one.category]: 1 }).total));
}

/** A package with its events, in the order of their ids. */
export function packageDetailOf(
  row: PackageRow,
  events: readonly PublicEvent[],
  now: number,
): PublicPackageDetail {
  const { currency } = row;
  const parts = events.map((event, i) => {
    const { category } = row.events[i] ?? {};
    const { eventId, title, startsAt, zone, saleState, counts } = event;
    return {
      eventId,
      ...(category === undefined ? {} : { category }),
      title,
      startsAt,
      zone,
      venue: event.venue.name,
      saleState,
      counts,
      from: money(fromPrice(event, category), currency),
    };
  });
  const separately = parts.reduce((sum, { from }) => sum + from.amount, 0);
  const total = packageTotal(row, 1, separately);
  return {
    ...publicPackageOf(row, now),
    events: parts,
    price: { separately: money(separately, currency), total: money(total, currency) },
  };
}

import { saleStateAt } from '#domain/event.ts';
import {
  distanceKm,
  type FacetCount,
  placeKey,
  type SearchDocument,
  type SearchHit,
  type SearchQuery,
} from '#domain/event-search.ts';

const defaultRadiusKm = 50;
const facetValuesMax = 20;

/** Tickets can be had now; an event whose seats are not known yet counts as having some. */
const hasTickets = (document: SearchDocument, now: number): boolean =>
  saleStateAt(document, now) === 'on-sale' && (document.available ?? 1) > 0;

/** Nothing asked, or a blank as forms send it, fits every place. */
const samePlace = (asked: string | undefined, there: string | undefined): boolean =>
  asked === undefined || asked.trim() === '' || placeKey(asked) === placeKey(there ?? '');

/** The hit a document makes for everything in the query but its words; undefined: it fits not. */
export function hitOf(document: SearchDocument, query: SearchQuery): SearchHit | undefined {
  const { venue } = document;
  if (query.from === undefined ? document.endsAt <= query.now : document.startsAt < query.from) {
    return undefined;
  }
  if (query.to !== undefined && document.startsAt >= query.to) return undefined;
  if (query.category !== undefined && document.category !== query.category) return undefined;
  if (query.minPrice !== undefined && document.priceTo < query.minPrice) return undefined;
  if (query.maxPrice !== undefined && document.priceFrom > query.maxPrice) return undefined;
  if (!samePlace(query.city, venue.city) || !samePlace(query.zip, venue.zip)) return undefined;
  if (query.available !== undefined && hasTickets(document, query.now) !== query.available) {
    return undefined;
  }
  if (query.near === undefined) return { document };
  if (venue.location === undefined) return undefined;
  const distance = distanceKm(query.near, venue.location);
  if (distance > (query.radiusKm ?? defaultRadiusKm)) return undefined;
  return { document, distanceKm: Math.round(distance * 10) / 10 };
}

/** The most frequent values first, equal ones in the order of the alphabet. */
export function facetOf(values: Iterable<string>): FacetCount[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, facetValuesMax);
}

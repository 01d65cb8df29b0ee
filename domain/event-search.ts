import type { EventCategory, EventTimes } from '#domain/event.ts';

/** How cities and zip codes are compared: without case, accents and outer or doubled space. */
export const placeKey = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, ' ');

export type GeoPoint = { readonly lat: number; readonly lon: number };

const earthKm = 6_371;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Great-circle distance in kilometres. */
export function distanceKm(a: GeoPoint, b: GeoPoint): number {
  const [lat, lon] = [radians(b.lat - a.lat) / 2, radians(b.lon - a.lon) / 2];
  const h =
    Math.sin(lat) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(lon) ** 2;
  return 2 * earthKm * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** An event as a search index holds it; prices in minor units, times epoch ms. */
export type SearchDocument = EventTimes & {
  readonly eventId: string;
  readonly title: string;
  readonly category: EventCategory;
  readonly performers: readonly string[];
  readonly startsAt: number;
  readonly zone: string;
  readonly currency: string;
  readonly priceFrom: number;
  readonly priceTo: number;
  readonly venue: {
    readonly venueId: string;
    readonly name: string;
    readonly city: string;
    readonly zip?: string;
    readonly country: string;
    readonly location?: GeoPoint;
  };
  /** Places left; null while unknown. */
  readonly available: number | null;
};

/** What is asked of a search index; undefined asks nothing. Times epoch ms. */
export type SearchQuery = {
  readonly q?: string | undefined;
  readonly city?: string | undefined;
  readonly zip?: string | undefined;
  readonly near?: GeoPoint | undefined;
  readonly radiusKm?: number | undefined;
  /** Starts at or after; absent: not over at `now`. */
  readonly from?: number | undefined;
  /** Starts before. */
  readonly to?: number | undefined;
  readonly category?: EventCategory | undefined;
  /** Some ticket costs at least / at most this. */
  readonly minPrice?: number | undefined;
  readonly maxPrice?: number | undefined;
  /** True: on sale with places left. False: all others. */
  readonly available?: boolean | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly now: number;
};

export type FacetCount = { readonly value: string; readonly count: number };

export type SearchHit = { readonly document: SearchDocument; readonly distanceKm?: number };

export type SearchResult = {
  readonly hits: readonly SearchHit[];
  readonly nextCursor: string | null;
  readonly facets: { readonly category: FacetCount[]; readonly city: FacetCount[] };
};

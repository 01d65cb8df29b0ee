import type { Fact } from '#domain/inventory/facts.ts';
import { type EventState, freedStatus, type Status, status } from '#domain/inventory/state.ts';

/** A place's index and its new status (0 available, 1 reserved, 2 sold, 3 blocked). */
export type Change = readonly [place: number, status: Status];

/** All statuses: base64 of two bits a place in index order, the lowest bits first. */
export function packView(state: EventState): string {
  const bytes = new Uint8Array(Math.ceil(state.places.size / 4));
  for (let place = 0; place < state.places.size; place++) {
    bytes[place >> 2] =
      (bytes[place >> 2] ?? 0) | ((state.status[place] ?? 0) << (2 * (place & 3)));
  }
  return Buffer.from(bytes.buffer).toString('base64');
}

/** The statuses of `size` places that `packView` wrote. */
export function unpackView(text: string, size: number): Status[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from(
    { length: size },
    (_, place) => (((bytes[place >> 2] ?? 0) >> (2 * (place & 3))) & 3) as Status,
  );
}

/**
 * What a fact will change in a view: to be called *before* `evolve` is given the fact. Null means
 * that the places themselves change (another chart): readers fetch the whole view again. An empty
 * list may still mean news (the sale was paused).
 */
export function changesOf(fact: Fact, state: EventState): readonly Change[] | null {
  const freed = (places: readonly number[]): Change[] =>
    places.map((place) => [place, freedStatus(state, place)]);
  switch (fact.type) {
    case 'opened':
      return null;
    case 'terms-changed':
      return fact.terms.layout === '' ? [] : null;
    case 'held':
      return fact.places.map((place) => [place, status.reserved]);
    case 'released':
    case 'expired':
      return freed(state.holds.get(fact.hold)?.places ?? []);
    case 'sold': {
      const kept = new Set(fact.places);
      const left = (state.holds.get(fact.hold)?.places ?? []).filter((place) => !kept.has(place));
      return [...freed(left), ...fact.places.map((place): Change => [place, status.sold])];
    }
    case 'unsold':
      return fact.blocked
        ? fact.places.map((place) => [place, status.blocked])
        : freed(fact.places);
    case 'blocked':
      return fact.places.map((place) => [place, status.blocked]);
    case 'unblocked':
      return fact.places.map((place) => [place, status.available]);
    default:
      return [];
  }
}

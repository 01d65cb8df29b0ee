import type { Places } from '#domain/inventory/places.ts';
import type { EventState, Hold } from '#domain/inventory/state.ts';

/**
 * As many places as a lapsed hold had, of the same categories at the same prices: neighbours that
 * are all free stay where they were, others get as many side by side elsewhere, the best ranked
 * first. Undefined when there are too few. `free` tells which places may be taken.
 */
export function equalPlaces(
  state: EventState,
  hold: Hold,
  free: (place: number) => boolean,
): readonly number[] | undefined {
  const { places } = state;
  const groups = groupsOf(places, hold.places);
  if (!groups.every((group) => isPricedAs(state, hold, group))) return undefined;
  const taken = new Set(groups.filter((group) => group.every(free)).flat());
  for (const group of groups.filter((each) => !each.every(free))) {
    const category = places.category[group[0] ?? 0] ?? 0;
    const usable = (place: number): boolean =>
      places.category[place] === category && !taken.has(place) && free(place);
    const found =
      (places.positionOf[group[0] ?? 0] ?? -1) < 0
        ? inArea(places, group, usable)
        : inRow(places, group.length, usable);
    if (found === undefined) return undefined;
    for (const place of found) taken.add(place);
  }
  return [...taken];
}

/** Whether the group's category still costs what was quoted. */
function isPricedAs({ places, terms }: EventState, hold: Hold, group: readonly number[]): boolean {
  const name = places.categories[places.category[group[0] ?? 0] ?? 0] ?? '';
  const line = hold.quote.lines.find(({ category }) => category === name);
  return line !== undefined && terms?.prices[name] === line.unitAmount;
}

/** The places in groups: neighbours of one category together, an area's places together. */
function groupsOf(places: Places, list: readonly number[]): number[][] {
  const position = (place: number): number => places.positionOf[place] ?? -1;
  const sorted = [...list].sort((a, b) => position(a) - position(b) || a - b);
  const groups: number[][] = [];
  for (const place of sorted) {
    const last = groups.at(-1)?.at(-1);
    const joined =
      last !== undefined &&
      places.category[last] === places.category[place] &&
      (position(place) < 0
        ? position(last) < 0
        : position(place) === position(last) + 1 && places.joins[position(last)] === 1);
    if (joined) groups.at(-1)?.push(place);
    else groups.push([place]);
  }
  return groups;
}

function inArea(
  places: Places,
  group: readonly number[],
  usable: (place: number) => boolean,
): number[] | undefined {
  const found: number[] = [];
  for (const { first, count } of places.areas) {
    for (let place = first; place < first + count && found.length < group.length; place++) {
      if (usable(place)) found.push(place);
    }
  }
  return found.length === group.length ? found : undefined;
}

/** The stretch of neighbours with the lowest sum of ranks. */
function inRow(
  places: Places,
  quantity: number,
  usable: (place: number) => boolean,
): number[] | undefined {
  let best: { from: number; sum: number } | undefined;
  let length = 0;
  let sum = 0;
  for (let at = 0; at < places.placeAt.length; at++) {
    const place = places.placeAt[at] as number;
    if (at > 0 && places.joins[at - 1] !== 1) {
      length = 0;
      sum = 0;
    }
    if (!usable(place)) {
      length = 0;
      sum = 0;
      continue;
    }
    length++;
    sum += places.rank[place] as number;
    if (length > quantity) sum -= places.rank[places.placeAt[at - quantity] as number] as number;
    if (length >= quantity && (best === undefined || sum < best.sum)) {
      best = { from: at - quantity + 1, sum };
    }
  }
  return best && Array.from(places.placeAt.subarray(best.from, best.from + quantity));
}

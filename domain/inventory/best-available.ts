import type { Choice, Group, KnownChoices } from '#domain/inventory/choices.ts';
import type { Want } from '#domain/inventory/commands.ts';
import { type EventState, status } from '#domain/inventory/state.ts';

export type Best = Extract<Want, { by: 'best' }>;

/** What of the chart a search may look at. Undefined fields do not restrict. */
type Filter = {
  readonly quantity: number;
  readonly section: string | undefined;
  /** Category index → may be taken. */
  readonly categories: readonly boolean[];
  /** `any`: as they come; `none`: not these; `some`: at least one of them. */
  readonly accessible: 'any' | 'none' | 'some';
};

/**
 * The best places for a group, or undefined when none fit. The rules, the first that tells two
 * choices apart decides:
 * 1. drawn seats before areas;
 * 2. seats for wheelchair users only if nothing else fits, unless `accessible` asks for them: then
 *    the group contains at least one;
 * 3. a choice that leaves no single free seat between taken ones, or at a row's end;
 * 4. the lower sum of ranks, then the lower lowest rank of its run, then the earlier in its row.
 * A group is seated side by side in one row and in one category.
 */
export function findBest(state: EventState, want: Best): readonly number[] | undefined {
  const filter = filterOf(state, want);
  if (want.accessible === true) return search(state, { ...filter, accessible: 'some' });
  return (
    search(state, { ...filter, accessible: 'none' }) ??
    search(state, { ...filter, accessible: 'any' }) ??
    findInAreas(state, filter)
  );
}

function filterOf(state: EventState, want: Best): Filter {
  const prices = state.terms?.prices ?? {};
  const categories = state.places.categories.map((name) => {
    const price = prices[name];
    if (price === undefined || (want.category !== undefined && name !== want.category))
      return false;
    return want.maxPrice === undefined || price <= want.maxPrice;
  });
  return { quantity: want.quantity, section: want.section, categories, accessible: 'any' };
}

function search(state: EventState, filter: Filter): readonly number[] | undefined {
  const { quantity, accessible } = filter;
  const known = state.choices.of(`${quantity} ${accessible}`);
  const best =
    bestOf(state, filter, known, 'clean', cleanFrom(state, filter, known)) ??
    bestOf(state, filter, known, 'other', 0);
  return best && Array.from(state.places.placeAt.subarray(best.from, best.from + quantity));
}

/** Passes over the first runs for as long as they have no clean choice for anybody. */
function cleanFrom(state: EventState, filter: Filter, known: KnownChoices): number {
  const { runsByRank } = state.places;
  for (; known.cleanFrom < runsByRank.length; known.cleanFrom++) {
    const run = runsByRank[known.cleanFrom] as number;
    if (choiceIn(state, run, filter, known).clean !== undefined) break;
  }
  return known.cleanFrom;
}

/** Goes through the runs by their best rank and stops when no later one can be better. */
function bestOf(
  state: EventState,
  filter: Filter,
  known: KnownChoices,
  kind: 'clean' | 'other',
  start: number,
): Group | undefined {
  const { runsByRank, runRank } = state.places;
  let best: Group | undefined;
  for (let i = start; i < runsByRank.length; i++) {
    const run = runsByRank[i] as number;
    if (best !== undefined && filter.quantity * (runRank[run] as number) >= best.sum) break;
    if (!fits(state, run, filter)) continue;
    const group = choiceIn(state, run, filter, known)[kind];
    if (group !== undefined && (best === undefined || group.sum < best.sum)) best = group;
  }
  return best;
}

const noChoice: Choice = { clean: undefined, other: undefined };

function choiceIn(state: EventState, run: number, filter: Filter, known: KnownChoices): Choice {
  const { quantity } = filter;
  if ((state.runFree[run] as number) < quantity) return noChoice;
  const before = known.byRun[run];
  if (before !== undefined) return before;
  let clean: Group | undefined;
  let other: Group | undefined;
  scanRun(state, run, filter, (from, sum) => {
    if (leavesSingle(state, from, quantity)) {
      if (other === undefined || sum < other.sum) other = { from, sum };
    } else if (clean === undefined || sum < clean.sum) {
      clean = { from, sum };
    }
  });
  const choice = clean === undefined && other === undefined ? noChoice : { clean, other };
  known.byRun[run] = choice;
  return choice;
}

function fits(state: EventState, run: number, filter: Filter): boolean {
  const { places } = state;
  const place = places.placeAt[places.runFrom[run] as number] as number;
  if (filter.categories[places.category[place] as number] !== true) return false;
  if (filter.section === undefined) return true;
  return places.rows[places.row[place] as number]?.section === filter.section;
}

const isFree = (state: EventState, position: number): boolean =>
  state.status[state.places.placeAt[position] as number] === status.available;

/** Calls `found` with every window of free, fitting seats: its first position and sum of ranks. */
function scanRun(
  state: EventState,
  run: number,
  { quantity, accessible }: Filter,
  found: (from: number, sum: number) => void,
): void {
  const { places } = state;
  const end = places.runTo[run] as number;
  let length = 0;
  let sum = 0;
  let special = 0;
  for (let at = places.runFrom[run] as number; at < end; at++) {
    const place = places.placeAt[at] as number;
    const isSpecial = places.accessible[place] === 1;
    if (state.status[place] !== status.available || (isSpecial && accessible === 'none')) {
      length = 0;
      sum = 0;
      special = 0;
      continue;
    }
    length++;
    sum += places.rank[place] as number;
    if (isSpecial) special++;
    if (length > quantity) {
      const left = places.placeAt[at - quantity] as number;
      sum -= places.rank[left] as number;
      if (places.accessible[left] === 1) special--;
    }
    if (length >= quantity && (accessible !== 'some' || special > 0)) {
      found(at - quantity + 1, sum);
    }
  }
}

/** Whether taking the window would leave exactly one free seat on one of its sides. */
function leavesSingle(state: EventState, from: number, quantity: number): boolean {
  const { joins } = state.places;
  const left = from - 1;
  if (left >= 0 && joins[left] === 1 && isFree(state, left)) {
    const further = left > 0 && joins[left - 1] === 1 && isFree(state, left - 1);
    if (!further) return true;
  }
  const last = from + quantity - 1;
  if (joins[last] !== 1 || !isFree(state, last + 1)) return false;
  return !(joins[last + 1] === 1 && isFree(state, last + 2));
}

/** The area's free places with the lowest numbers; undefined when there are too few. */
export function findInArea(
  state: EventState,
  areaId: string,
  quantity: number,
): readonly number[] | undefined {
  const found: number[] = [];
  for (const { area, first, count } of state.places.areas) {
    if (area.id !== areaId) continue;
    let at = state.status.indexOf(status.available, first);
    while (at >= 0 && at < first + count && found.length < quantity) {
      found.push(at);
      at = state.status.indexOf(status.available, at + 1);
    }
    if (found.length === quantity) return found;
  }
  return undefined;
}

/** The first area, in the chart's order, that has room; `section` may be its id or its name. */
function findInAreas(state: EventState, filter: Filter): readonly number[] | undefined {
  for (const { area, first } of state.places.areas) {
    const { section } = filter;
    if (section !== undefined && section !== area.id && section !== area.name) continue;
    if (filter.categories[state.places.category[first] as number] !== true) continue;
    const found = findInArea(state, area.id, filter.quantity);
    if (found !== undefined) return found;
  }
  return undefined;
}

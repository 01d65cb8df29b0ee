import type { CommandOf } from '#domain/inventory/commands.ts';
import { accept, type Decision, refuse } from '#domain/inventory/decision.ts';
import { expiredFact } from '#domain/inventory/expiry.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { type Places, placeOf, placesFrom } from '#domain/inventory/places.ts';
import { type EventState, holdOn, isOverdue, status } from '#domain/inventory/state.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { limits } from '#domain/limits.ts';

const gap = (state: EventState, version: number) =>
  refuse('version-gap', `version ${version} cannot follow version ${state.version}`, {
    applied: state.version,
  });

/**
 * `open` and `change-terms`: at or below the last applied version done without a fact, above the
 * next one `version-gap`. The first opening may have any version; a later one changes the terms.
 * Terms of the chart version that is in force are written without their layout, which stays.
 * Errors besides: invalid-chart, state-forbids (too many chart versions).
 */
export function decideTerms(
  state: EventState,
  { kind, version, terms }: CommandOf<'open' | 'change-terms'>,
): Decision<'open' | 'change-terms'> {
  if (version <= state.version) return accept({ version: state.version });
  const opening = state.terms === undefined;
  if (opening ? kind === 'change-terms' : version > state.version + 1) return gap(state, version);
  const sameChart = terms.chartVersion === state.terms?.chartVersion;
  if (!sameChart && state.layouts.length >= limits.chartVersionsPerEventMax) {
    return refuse('state-forbids', 'The event has had too many chart versions');
  }
  const problem = sameChart
    ? unpriced(state.places, terms)
    : chartProblem([...state.layouts, terms.layout], terms);
  if (problem !== undefined) return refuse('invalid-chart', problem);
  const written = sameChart ? { ...terms, layout: '' } : terms;
  return accept({ version }, [
    { type: opening ? 'opened' : 'terms-changed', version, terms: written },
  ]);
}

/** Why these chart versions cannot be used; undefined when they can. */
function chartProblem(layouts: readonly string[], terms: Terms): string | undefined {
  try {
    const places = placesFrom(layouts);
    if (places.size === 0) return 'The chart has no places';
    if (places.size > limits.chartPlacesMax) return `The event has ${places.size} places, too many`;
    return unpriced(places, terms);
  } catch (error) {
    return `The layout cannot be read: ${error instanceof Error ? error.message : 'damaged'}`;
  }
}

/** Every category that still has places needs a price. */
function unpriced(
  { category, removed, categories }: Places,
  { prices }: Terms,
): string | undefined {
  const missing = categories.map((name) => prices[name] === undefined);
  if (!missing.includes(true)) return undefined;
  const place = category.findIndex((c, at) => missing[c] === true && removed[at] === 0);
  return place < 0 ? undefined : `The category ${categories[category[place] ?? 0]} has no price`;
}

/**
 * `block` takes free seats out of sale, `unblock` gives blocked ones back; versions as above.
 * Seats that are held, sold or unknown, and for `unblock` those that have left the chart, are
 * skipped and named. Already as asked is no reason to skip.
 */
export function decideBlock(
  state: EventState,
  { kind, version, seats }: CommandOf<'block' | 'unblock'>,
  now: number,
): Decision<'block' | 'unblock'> {
  if (version <= state.version) return accept({ version: state.version, skipped: [] });
  if (state.terms === undefined || version > state.version + 1) return gap(state, version);
  const facts: Fact[] = [];
  const ended = new Set<string>();
  const places: number[] = [];
  const skipped: string[] = [];
  for (const id of new Set(seats)) {
    const place = placeOf(state.places, id);
    const over = kind === 'block' ? holdOn(state, place) : undefined;
    const freed = over !== undefined && isOverdue(over, now);
    if (freed && !ended.has(over.id)) {
      ended.add(over.id);
      facts.push(expiredFact(over));
    }
    const before = freed ? status.available : state.status[place];
    if (before === status.available || before === status.blocked) {
      if (kind === 'unblock' && state.places.removed[place] === 1) skipped.push(id);
      else if ((before === status.blocked) !== (kind === 'block')) places.push(place);
    } else {
      skipped.push(id);
    }
  }
  const type = kind === 'block' ? 'blocked' : 'unblocked';
  return accept({ version, skipped }, [...facts, { type, version, places }]);
}

import { prefixes } from '#domain/ids.ts';
import { Buyers } from '#domain/inventory/buyers.ts';
import { Choices } from '#domain/inventory/choices.ts';
import type { Channel, Counts } from '#domain/inventory/commands.ts';
import { Deadlines, type Due } from '#domain/inventory/deadlines.ts';
import { EndedHolds } from '#domain/inventory/ended.ts';
import { noPlaces, type Places, placesFrom } from '#domain/inventory/places.ts';
import { Sales } from '#domain/inventory/sales.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import type { Quote } from '#domain/pricing.ts';

/** The status of a place, as the two bits of a view. */
export const status = { available: 0, reserved: 1, sold: 2, blocked: 3 } as const;
export type Status = (typeof status)[keyof typeof status];

export type Hold = Due & {
  readonly id: string;
  readonly fingerprint: string;
  readonly buyerId: string;
  readonly buyer: number;
  readonly channel: Channel;
  readonly places: readonly number[];
  readonly quote: Quote;
  readonly createdAt: number;
  /** A pin moves the deadline once in a hold's life. */
  pinnedOnce: boolean;
  /** The booking that keeps the hold; null when none does. */
  pinnedBy: string | null;
  /** Id of the command that extended it last. */
  extendedBy: string | null;
  /** Index into `EventState.slots` while it is live. */
  slot: number;
};

/**
 * Everything the actor of one event knows. Changed by `evolve` only, made for speed and for 100 000
 * places: a byte and a number per place, columns instead of objects where there are many.
 */
export type EventState = {
  readonly eventId: string;
  /** Of the last entry that was applied. */
  seq: number;
  at: number;
  epoch: number;
  /** Who claimed last; null after a hand-over to nobody, and before the first claim. */
  owner: { readonly node: string; readonly incarnation: string } | null;
  /** Set by `handed-over`: the node that should claim next, null for nobody in particular. */
  handedTo: string | null | undefined;
  /** Last applied change of the catalogue; 0 before the opening. */
  version: number;
  /** Undefined before the opening. `layout` is that of the last chart version. */
  terms: Terms | undefined;
  /** All chart versions the event has had, packed, oldest first. */
  layouts: readonly string[];
  places: Places;
  /** Place → status. */
  status: Uint8Array;
  /** Place → live hold's slot + 1, or -(sale's number + 1), or 0. */
  owners: Int32Array;
  /** Status → number of places. */
  readonly counts: Int32Array;
  /** Run → free places in it. */
  runFree: Uint32Array;
  /** What searches for the best places have found; told by `setStatus` what it must forget. */
  choices: Choices;
  readonly holds: Map<string, Hold>;
  readonly slots: (Hold | undefined)[];
  readonly freeSlots: number[];
  readonly deadlines: Deadlines<Hold>;
  /** Buyer's number → live holds. */
  readonly holdsOf: Map<number, readonly Hold[]>;
  /** Pinned holds whose deadline has passed: they may be retaken by their booking. */
  readonly lapsed: Map<string, Hold>;
  /** Holds made so far. */
  holdsMade: number;
  readonly buyers: Buyers;
  readonly ended: EndedHolds;
  readonly sales: Sales;
};

/** An event of which nothing is known yet. `eventId` is `evt_<ULID>`. */
export function createState(eventId: string): EventState {
  const scope = eventId.slice(4);
  const holdPrefix = `${prefixes.reservation}_${scope}`;
  return {
    eventId,
    seq: 0,
    at: 0,
    epoch: 0,
    owner: null,
    handedTo: undefined,
    version: 0,
    terms: undefined,
    layouts: [],
    places: noPlaces,
    status: new Uint8Array(0),
    owners: new Int32Array(0),
    counts: new Int32Array(4),
    runFree: new Uint32Array(0),
    choices: new Choices(noPlaces),
    holds: new Map(),
    slots: [],
    freeSlots: [],
    deadlines: new Deadlines(),
    holdsOf: new Map(),
    lapsed: new Map(),
    holdsMade: 0,
    buyers: new Buyers(),
    ended: new EndedHolds(holdPrefix),
    sales: new Sales(`${prefixes.booking}_${scope}`, holdPrefix),
  };
}

/** Seat counts; they always add up to the number of places. */
export const countsOf = ({ counts }: EventState): Counts => ({
  available: counts[status.available] ?? 0,
  reserved: counts[status.reserved] ?? 0,
  sold: counts[status.sold] ?? 0,
  blocked: counts[status.blocked] ?? 0,
});

/** Epoch ms at which the next hold is due; null when nothing is held. */
export const nextDeadline = (state: EventState): number | null =>
  state.deadlines.first()?.deadline ?? null;

/** Changes the status of one place and everything that is counted by it. */
export function setStatus(state: EventState, place: number, next: Status): void {
  const before = state.status[place] as Status;
  if (before === next) return;
  state.status[place] = next;
  state.counts[before] = (state.counts[before] ?? 0) - 1;
  state.counts[next] = (state.counts[next] ?? 0) + 1;
  const run = state.places.runOf[place] ?? -1;
  if (run < 0) return;
  if (before === status.available) state.runFree[run] = (state.runFree[run] ?? 0) - 1;
  else if (next === status.available) state.runFree[run] = (state.runFree[run] ?? 0) + 1;
  else return;
  state.choices.changed(place);
}

/** What a place becomes when nobody has it any more: blocked once it has left the chart. */
export const freedStatus = (state: EventState, place: number): Status =>
  state.places.removed[place] === 1 ? status.blocked : status.available;

/** The live hold that has this place. */
export function holdOn(state: EventState, place: number): Hold | undefined {
  const owner = state.owners[place] ?? 0;
  return owner > 0 ? state.slots[owner - 1] : undefined;
}

/** At its deadline a hold is over, whether or not its end has been written yet. */
export const isOverdue = (hold: Hold, now: number): boolean => hold.deadline <= now;

/**
 * Takes a list of chart versions: keeps every index, hold and sale, makes new places available and
 * blocks free places that have left the chart.
 */
export function setLayouts(state: EventState, layouts: readonly string[]): void {
  const places = placesFrom(layouts);
  const before = state.status;
  state.layouts = layouts;
  state.places = places;
  state.status = new Uint8Array(places.size);
  state.status.set(before);
  const owners = new Int32Array(places.size);
  owners.set(state.owners);
  state.owners = owners;
  state.counts.fill(0);
  state.runFree = new Uint32Array(places.runFrom.length);
  state.choices = new Choices(places);
  for (let place = 0; place < places.size; place++) {
    if (state.status[place] === status.available) state.status[place] = freedStatus(state, place);
    const now = state.status[place] as Status;
    state.counts[now] = (state.counts[now] ?? 0) + 1;
    const run = places.runOf[place] ?? -1;
    if (now === status.available && run >= 0) state.runFree[run] = (state.runFree[run] ?? 0) + 1;
  }
}

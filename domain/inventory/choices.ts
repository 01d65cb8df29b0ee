import type { Places } from '#domain/inventory/places.ts';

/** Seats side by side: the position of the first and the sum of their ranks. */
export type Group = { readonly from: number; readonly sum: number };

/** The best groups of one run: that leaves no single seat behind, and that does. */
export type Choice = { readonly clean: Group | undefined; readonly other: Group | undefined };

/** What searches for groups of one kind (size, wheelchair users) have found and still holds. */
export type KnownChoices = {
  /** Run → its choice; undefined where it must be looked at. */
  readonly byRun: (Choice | undefined)[];
  /** No run before this one, by rank, has a clean choice. */
  cleanFrom: number;
};

/** Kinds that are remembered: the one that came first goes first. */
const kindsMax = 16;
/** A group is judged by the seats up to this many positions beside it. */
const reach = 2;

/**
 * Remembers the choices of every run until one of its seats, or of its neighbours, becomes free or
 * taken. A popular event leaves hundreds of rows whose last seats fit nobody well; without this
 * each search would look at all of them again: a hold took 170 µs instead of 11 once 30 000 of
 * 60 000 seats were taken.
 */
export class Choices {
  readonly #places: Places;
  readonly #byKind = new Map<string, KnownChoices>();
  /** Run → its index in `runsByRank`; made with the first kind. */
  #orderOf = new Uint32Array(0);

  constructor(places: Places) {
    this.#places = places;
  }

  of(kind: string): KnownChoices {
    const known = this.#byKind.get(kind);
    if (known !== undefined) return known;
    const { runsByRank } = this.#places;
    if (this.#byKind.size === 0) {
      this.#orderOf = new Uint32Array(runsByRank.length);
      for (const [order, run] of runsByRank.entries()) this.#orderOf[run] = order;
    }
    if (this.#byKind.size >= kindsMax) {
      this.#byKind.delete(this.#byKind.keys().next().value as string);
    }
    const fresh = { byRun: new Array(runsByRank.length).fill(undefined), cleanFrom: 0 };
    this.#byKind.set(kind, fresh);
    return fresh;
  }

  /** To be told of every place that becomes free or taken. */
  changed(place: number): void {
    if (this.#byKind.size === 0) return;
    const { placeAt, positionOf, runOf } = this.#places;
    const at = positionOf[place] as number;
    const last = Math.min(at + reach, placeAt.length - 1);
    let before = -1;
    for (let near = Math.max(at - reach, 0); near <= last; near++) {
      const run = runOf[placeAt[near] as number] as number;
      if (run >= 0 && run !== before) this.#forget(run);
      before = run;
    }
  }

  #forget(run: number): void {
    const order = this.#orderOf[run] as number;
    for (const known of this.#byKind.values()) {
      known.byRun[run] = undefined;
      if (order < known.cleanFrom) known.cleanFrom = order;
    }
  }
}

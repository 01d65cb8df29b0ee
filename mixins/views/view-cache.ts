import { within } from '#actors/every.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { InventoryView } from '#broker/inventory-client.ts';
import {
  type Availability,
  applyDelta,
  type Delta,
  deltaBetween,
  judgeDelta,
} from '#domain/availability.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { Lru } from '#domain/lru.ts';
import { RecentDeltas } from '#mixins/views/recent-deltas.ts';

/** Who is told of every step a cached view takes. */
export interface ViewListener {
  /** Events whose views must stay and stay fresh. */
  watched(): Iterable<string>;
  watches(eventId: string): boolean;
  changed(delta: Delta, before: Availability): void;
  /** The new view cannot be told as a delta. */
  replaced(view: Availability): void;
}

type Entry = {
  view: Availability;
  /** Monotonic ms of the last word of the owner. */
  heardAt: number;
  readonly recent: RecentDeltas;
};

type Fetch = { readonly done: Promise<void>; readonly deltas: Delta[] };

/** Deltas that may arrive while one fetch runs; what is lost beyond them means another fetch. */
const deltasWhileFetchingMax = 64;
const notFoundMs = 1_000;

/**
 * A gateway's views of events, kept fresh by `inventory.changed`: a delta is applied where it
 * fits, a gap or two seconds of silence mean a new fetch, and a view never goes back. Bounded; the
 * view read longest ago goes first unless somebody watches it.
 */
export class ViewCache {
  readonly #fetchView: (eventId: string, deadline: number) => Promise<InventoryView>;
  readonly #listener: ViewListener;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #entries = new Map<string, Entry>();
  readonly #fetches = new Map<string, Fetch>();
  /** Events that do not exist, and until when this is believed (monotonic ms). */
  readonly #unknown: Lru<number>;

  constructor(
    fetchView: (eventId: string, deadline: number) => Promise<InventoryView>,
    listener: ViewListener,
    clock: Clock,
    limits: Limits,
  ) {
    this.#fetchView = fetchView;
    this.#listener = listener;
    this.#clock = clock;
    this.#limits = limits;
    this.#unknown = new Lru(limits.viewsMax);
  }

  /**
   * The view of an event, not older than the stated silence; while its owner cannot be reached, the
   * last known one for `limits.failoverMs`. Rejects with `not-found` (never opened) and with what
   * the inventory client rejects with.
   */
  async read(eventId: string, deadline: number): Promise<Availability> {
    const entry = this.#entries.get(eventId);
    if (entry === undefined) return this.refetch(eventId, deadline);
    this.#entries.delete(eventId);
    this.#entries.set(eventId, entry);
    const ageMs = this.#clock.monotonic() - entry.heardAt;
    if (ageMs < this.#limits.viewSilenceMs) return entry.view;
    const fetching = this.refetch(eventId, deadline);
    return ageMs < this.#limits.failoverMs ? this.#orLastKnown(fetching, entry) : fetching;
  }

  /** Fetches the view again; all who ask meanwhile share the fetch. */
  async refetch(eventId: string, deadline: number): Promise<Availability> {
    if ((this.#unknown.get(eventId) ?? 0) > this.#clock.monotonic()) {
      throw new UsherError('not-found');
    }
    let fetch = this.#fetches.get(eventId);
    if (fetch === undefined) {
      const deltas: Delta[] = [];
      const done = this.#fetch(eventId, deadline, deltas);
      fetch = { deltas, done: done.finally(() => this.#fetches.delete(eventId)) };
      this.#fetches.set(eventId, fetch);
    }
    await fetch.done;
    const view = this.#entries.get(eventId)?.view;
    if (view === undefined) throw new UsherError('unavailable');
    return view;
  }

  /** Takes an owner's word. Never rejects. */
  heard(delta: Delta): void {
    const fetch = this.#fetches.get(delta.eventId);
    if (fetch !== undefined && fetch.deltas.length < deltasWhileFetchingMax) {
      fetch.deltas.push(delta);
    }
    this.#apply(delta);
  }

  /** Deltas that lead from `version` to the present view; undefined: only a snapshot does. */
  since(eventId: string, version: number): Delta[] | undefined {
    const entry = this.#entries.get(eventId);
    if (entry === undefined || version > entry.view.version) return undefined;
    return version === entry.view.version ? [] : entry.recent.since(version);
  }

  /** Fetches what is watched and has fallen silent; to be called about once a second. */
  sweep(): void {
    const oldest = this.#clock.monotonic() - this.#limits.viewSilenceMs;
    for (const eventId of this.#listener.watched()) {
      const heardAt = this.#entries.get(eventId)?.heardAt ?? Number.NEGATIVE_INFINITY;
      if (heardAt <= oldest) this.#refetchSoon(eventId);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  #apply(delta: Delta): void {
    const entry = this.#entries.get(delta.eventId);
    if (entry === undefined) return;
    const verdict = judgeDelta(entry.view.version, delta);
    if (verdict === 'gap') {
      // Unread views are fetched when somebody reads them.
      if (this.#listener.watches(delta.eventId)) this.#refetchSoon(delta.eventId);
      else entry.heardAt = Number.NEGATIVE_INFINITY;
      return;
    }
    entry.heardAt = this.#clock.monotonic();
    if (verdict === 'apply') this.#step(entry, applyDelta(entry.view, delta), delta);
  }

  #refetchSoon(eventId: string): void {
    const deadline = this.#clock.now() + this.#limits.callTimeoutMs;
    // Nobody waits for it: the next sweep tries again.
    this.refetch(eventId, deadline).catch(() => undefined);
  }

  async #orLastKnown(fetching: Promise<Availability>, entry: Entry): Promise<Availability> {
    const fetched = fetching.catch((error: unknown) => {
      if (hasCode(error, 'not-found')) throw error;
      return entry.view;
    });
    return (await within(this.#clock, this.#limits.queueWaitMs, fetched)) ?? entry.view;
  }

  async #fetch(eventId: string, deadline: number, deltas: readonly Delta[]): Promise<void> {
    let fetched: InventoryView;
    try {
      fetched = await this.#fetchView(eventId, deadline);
    } catch (error) {
      if (hasCode(error, 'not-found')) {
        this.#entries.delete(eventId);
        this.#unknown.set(eventId, this.#clock.monotonic() + notFoundMs);
      }
      throw error;
    }
    this.#take({ ...fetched, seats: Buffer.from(fetched.seats, 'base64') });
    for (const delta of deltas) this.#apply(delta);
  }

  #take(view: Availability): void {
    const entry = this.#entries.get(view.eventId);
    const heardAt = this.#clock.monotonic();
    if (entry === undefined) {
      this.#entries.set(view.eventId, { view, heardAt, recent: new RecentDeltas(this.#limits) });
      this.#evict();
      this.#listener.replaced(view);
      return;
    }
    entry.heardAt = heardAt;
    if (view.version <= entry.view.version) return;
    const delta = deltaBetween(entry.view, view, this.#limits.streamResumeChangesMax);
    this.#step(entry, view, delta);
  }

  #step(entry: Entry, view: Availability, delta: Delta | undefined): void {
    const before = entry.view;
    entry.view = view;
    if (delta === undefined) {
      entry.recent.clear();
      this.#listener.replaced(view);
    } else {
      entry.recent.add(delta);
      this.#listener.changed(delta, before);
    }
  }

  #evict(): void {
    if (this.#entries.size <= this.#limits.viewsMax) return;
    for (const eventId of this.#entries.keys()) {
      if (this.#listener.watches(eventId)) continue;
      this.#entries.delete(eventId);
      return;
    }
  }
}

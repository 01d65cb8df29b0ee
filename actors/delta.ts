import type { Batch } from '#actors/batch.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Counts } from '#domain/inventory/commands.ts';
import { countsOf, type EventState, type Status } from '#domain/inventory/state.ts';
import type { SaleStatus } from '#domain/inventory/terms.ts';
import type { Change } from '#domain/inventory/view.ts';
import type { Limits } from '#domain/limits.ts';

/**
 * What watchers of an event are told. To be applied where `from ≤ mine < version`; who has less
 * than `from` fetches the whole view.
 */
export type Delta = {
  readonly eventId: string;
  readonly from: number;
  readonly version: number;
  readonly sale: SaleStatus;
  readonly counts: Counts;
  readonly changes: readonly Change[];
};

/** A change's text in JSON is at most `[120000,3],`. */
const changeBytesMax = 12;

/** Committed changes of one event, collected between two publications; later ones win. */
export class DeltaBuffer {
  readonly #eventId: string;
  readonly #clock: Clock;
  readonly #repeatMs: number;
  readonly #changesMax: number;
  #changes = new Map<number, Status>();
  #from: number;
  #version: number;
  /** No list of changes can tell the news: too many, or other places. */
  #mustFetch = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #sale: SaleStatus | undefined;
  #counts: Counts;

  /** `state`: as it was when the ownership began; watchers have less. */
  constructor(state: EventState, clock: Clock, limits: Limits) {
    this.#eventId = state.eventId;
    this.#clock = clock;
    this.#repeatMs = limits.versionRepeatMs;
    this.#changesMax = Math.floor((limits.natsMessageBytesMax * 0.9) / changeBytesMax);
    this.#from = state.seq;
    this.#version = state.seq;
    this.#sale = state.terms?.sale.status;
    this.#counts = countsOf(state);
  }

  /** Seats at the last noted version. */
  get counts(): Counts {
    return this.#counts;
  }

  /** Takes what one committed entry changed; `state` has no other speculative facts. */
  note(state: EventState, { changes, refetch }: Pick<Batch, 'changes' | 'refetch'>): void {
    this.#version = state.seq;
    this.#sale = state.terms?.sale.status;
    this.#counts = countsOf(state);
    if (this.#mustFetch) return;
    for (const [place, status] of changes) this.#changes.set(place, status);
    if (!refetch && this.#changes.size <= this.#changesMax) return;
    this.#mustFetch = true;
    this.#changes.clear();
  }

  /** To be published now, if anything is: news at once, else the version now and then. */
  take(): Delta | undefined {
    if (this.#sale === undefined) return undefined;
    const now = this.#clock.monotonic();
    const news = this.#version > this.#from;
    if (!news && now - this.#toldAt < this.#repeatMs) return undefined;
    this.#toldAt = now;
    const delta: Delta = {
      eventId: this.#eventId,
      // Nobody may apply this one where all must fetch.
      from: this.#mustFetch ? this.#version : this.#from,
      version: this.#version,
      sale: this.#sale,
      counts: this.#counts,
      changes: [...this.#changes],
    };
    this.#changes.clear();
    this.#mustFetch = false;
    this.#from = this.#version;
    return delta;
  }
}

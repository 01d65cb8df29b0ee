import type { Clock } from '#adapters/clock/port.ts';
import { UsherError } from '#domain/errors.ts';
import type { Counts } from '#domain/inventory/commands.ts';
import { countsOf, type EventState } from '#domain/inventory/state.ts';
import type { SaleStatus, Terms } from '#domain/inventory/terms.ts';
import { packView } from '#domain/inventory/view.ts';

/** The availability of every place at one version. */
export type PackedView = {
  readonly eventId: string;
  readonly version: number;
  readonly chartVersion: number;
  readonly sale: SaleStatus;
  readonly counts: Counts;
  /** See `packView`. */
  readonly seats: string;
};

type Waiter = {
  readonly resolve: (view: PackedView) => void;
  readonly reject: (error: UsherError) => void;
  /** Monotonic ms. */
  readonly until: number;
};

const waitersMax = 1_024;

/**
 * Whole views of one event. They show committed facts only, so who asks while a batch is in flight
 * waits for its end, at most `patienceMs`. All who ask at one version share one packing.
 */
export class ViewDesk {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #waiters: Waiter[] = [];
  #packed: PackedView | undefined;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  get waiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** Rejects with `overloaded`, `not-found` (never opened), `unavailable`, or what `close` says. */
  ask(): Promise<PackedView> {
    return new Promise((resolve, reject) => {
      if (this.#waiters.length >= waitersMax) return reject(new UsherError('overloaded'));
      this.#waiters.push({ resolve, reject, until: this.#clock.monotonic() + this.#patienceMs });
    });
  }

  /** Answers everybody from a state of which every fact is committed. */
  show(state: EventState): void {
    if (!this.waiting) return;
    const waiters = this.#waiters.splice(0);
    if (state.terms === undefined) {
      for (const waiter of waiters) waiter.reject(new UsherError('not-found'));
      return;
    }
    if (this.#packed?.version !== state.seq) {
      this.#packed = pack(state, state.terms);
    }
    for (const waiter of waiters) waiter.resolve(this.#packed);
  }

  /** Turns away who has waited too long. */
  sweep(): void {
    const now = this.#clock.monotonic();
    const late = this.#waiters.filter((waiter) => waiter.until <= now);
    if (late.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.until > now);
    for (const waiter of late) waiter.reject(new UsherError('unavailable'));
  }

  close(error: UsherError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}

const pack = (state: EventState, terms: Terms): PackedView => ({
  eventId: state.eventId,
  version: state.seq,
  chartVersion: terms.chartVersion,
  sale: terms.sale.status,
  counts: countsOf(state),
  seats: packView(state),
});

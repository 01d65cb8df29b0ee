import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { soon } from '#domain/booking-moves.ts';
import { limits } from '#domain/limits.ts';
import { UnderWay } from '#domain/under-way.ts';
import { repeated } from '#flows/repeated.ts';

/** What a worker finds its work in: all of `BookingStore`, `BundleStore` that it needs. */
export type DueStore<T, Due> = {
  find(id: string): Promise<(T & Due) | undefined>;
  /** At most `limit` of those whose `dueAt` is not after `now`, the longest overdue first. */
  due(now: number, limit: number): Promise<readonly Due[]>;
  /** Makes it the caller's until `dueAt`, if it still has this version. */
  take(due: Due, dueAt: number): Promise<T | undefined>;
};

export type DuePorts<T, Due> = {
  readonly store: DueStore<T, Due>;
  readonly clock: Clock;
  readonly ids: Ids;
  /** So many are worked on at once. */
  readonly atOnceMax: number;
  /** So many more wait for their turn. */
  readonly waitingMax: number;
};

/**
 * Goes on with what has a version and a `dueAt`, any number of nodes side by side. Whoever holds the
 * version works on it for `stepRetryMs` from its last write; after that, or when its `dueAt` has
 * come, any node takes it over. Bounded: what finds no room is found again by the sweep when it is
 * due.
 */
export abstract class DueWorker<T extends { readonly dueAt?: number | undefined }, Due> {
  readonly #due: DuePorts<T, Due>;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new UnderWay();
  #stopSweep: () => void = () => {};
  #draining = false;

  constructor(due: DuePorts<T, Due>) {
    this.#due = due;
  }

  /** Step by step, until it is finished, has to wait, is another worker's, or `draining`. */
  protected abstract advance(item: T): Promise<void>;

  protected get draining(): boolean {
    return this.#draining;
  }

  /** Whether something new can still be begun here soon. */
  get hasRoom(): boolean {
    const { atOnceMax, waitingMax } = this.#due;
    return !this.#draining && this.#count < atOnceMax + waitingMax;
  }

  get running(): number {
    return this.#running.size;
  }

  get #count(): number {
    return this.#running.size + this.#waiting.length;
  }

  /** Goes on with what the caller has just written or taken. Does not wait. */
  run(item: T): void {
    this.#enqueue(() => this.advance(item));
  }

  /** Takes it, if it is due now, and goes on with it. Does not wait. */
  wake(id: string): void {
    this.#enqueue(async () => {
      const { store, clock } = this.#due;
      const found = await store.find(id);
      if (found?.dueAt === undefined || found.dueAt > clock.now()) return;
      const taken = await store.take(found, soon(clock.now()));
      if (taken !== undefined) await this.advance(taken);
    });
  }

  /** Sweeps each second until `drain`. */
  start(): void {
    this.#stopSweep = repeated(this.#due, limits.dueSweepEveryMs, () => this.sweep());
  }

  /** Takes what is due, as much as there is room for; answers how many were taken. */
  async sweep(): Promise<number> {
    const { store, clock, atOnceMax } = this.#due;
    const room = atOnceMax - this.#count;
    if (room <= 0 || this.#draining) return 0;
    let count = 0;
    for (const due of await store.due(clock.now(), room)) {
      if (this.#draining) break;
      // One that cannot be taken must not keep those behind it waiting.
      const taken = await store.take(due, soon(clock.now())).catch(() => undefined);
      if (taken === undefined) continue;
      this.run(taken);
      count++;
    }
    return count;
  }

  /** Takes nothing new and finishes the steps in flight; other nodes go on with the rest. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopSweep();
    await this.idle();
  }

  /** Resolves when nothing runs or waits for its turn. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#running.settled();
  }

  #enqueue(task: () => Promise<void>): void {
    if (!this.hasRoom) return;
    this.#waiting.push(task);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < this.#due.atOnceMax) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      // Where the store does not answer, it is due again when its time has come.
      this.#running.begin(task).then(() => this.#next());
    }
  }
}

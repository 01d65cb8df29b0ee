import type { Booking } from '#domain/booking.ts';
import { again, type Change, soon } from '#domain/booking-moves.ts';
import { placeTaken } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { stepOf } from '#flows/booking.flow.ts';
import type { FlowPorts } from '#flows/ports.ts';

/**
 * Runs bookings' flows on one node, any number of nodes side by side. Whoever holds a booking's
 * version works on it for `stepRetryMs` from its last write; after that, or when its `dueAt` has
 * come, any node takes it over. Bounded: `flowsAtOnceMax` run, `flowsWaitingMax` wait; a booking
 * that finds no room is found again by the sweep when it is due.
 */
export class BookingWorker {
  readonly #ports: FlowPorts;
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #running = new Set<Promise<void>>();
  #stopSweep: () => void = () => {};
  #draining = false;

  constructor(ports: FlowPorts) {
    this.#ports = ports;
  }

  /** Whether a new booking can still be begun here soon. */
  get hasRoom(): boolean {
    return !this.#draining && this.#waiting.length < limits.flowsWaitingMax;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Goes on with a booking that the caller has just written or taken. Does not wait. */
  run(booking: Booking): void {
    this.#enqueue(() => this.#advance(booking));
  }

  /** Takes the booking, if it is due now, and goes on with it. Does not wait. */
  wake(bookingId: string): void {
    this.#enqueue(async () => {
      const { store, clock } = this.#ports;
      const found = await store.find(bookingId);
      if (found?.dueAt === undefined || found.dueAt > clock.now()) return;
      const taken = await store.take(found, soon(clock.now()));
      if (taken !== undefined) await this.#advance(taken);
    });
  }

  /** Sweeps each second (a little more or less, so that nodes spread) until `drain`. */
  start(): void {
    const { clock, ids } = this.#ports;
    const next = (): void => {
      if (this.#draining) return;
      const ms = limits.dueSweepEveryMs * (0.75 + ids.chance() / 2);
      this.#stopSweep = clock.after(ms, () => {
        this.sweep()
          .catch(() => 0)
          .finally(next);
      });
    };
    next();
  }

  /** Takes what is due, as much as there is room for; answers how many were taken. */
  async sweep(): Promise<number> {
    const { store, clock } = this.#ports;
    const room = limits.flowsAtOnceMax - this.#running.size - this.#waiting.length;
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

  /** Resolves when no flow runs or waits for its turn. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #enqueue(task: () => Promise<void>): void {
    if (!this.hasRoom) return;
    this.#waiting.push(task);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < limits.flowsAtOnceMax) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      const running: Promise<void> = task()
        // The store did not answer: the booking is due again when its time has come.
        .catch(() => undefined)
        .finally(() => {
          this.#running.delete(running);
          this.#next();
        });
      this.#running.add(running);
    }
  }

  /** Step by step, until the booking is finished, has to wait, or is another worker's. */
  async #advance(booking: Booking): Promise<void> {
    let stored = booking;
    let b = booking;
    for (let i = 0; i < limits.flowStepsMax; i++) {
      if (this.#draining) return this.#release(stored);
      const change = await this.#step(b);
      if (change.light) {
        b = change.booking;
        continue;
      }
      const written = await this.#write(stored, b, change);
      if (written === undefined || written.wait) return;
      b = stored = written.booking;
    }
    this.#ports.watcher.trouble(b, new Error('more steps in one go than a booking has'));
  }

  async #step(b: Booking): Promise<Change> {
    try {
      return await stepOf(b)(b, this.#ports);
    } catch (error) {
      this.#ports.watcher.trouble(b, error);
      return again(b, this.#ports.clock.now());
    }
  }

  /**
   * Answers the change that was written; undefined when another worker was first. `b` may be some
   * light steps on from the booking that is stored.
   */
  async #write(stored: Booking, b: Booking, change: Change): Promise<Change | undefined> {
    const { store, clock, watcher } = this.#ports;
    const result = await store.commit({ ...change, expected: stored.version }, stored);
    if (result === 'stale') return undefined;
    if (result === 'place-taken') return this.#write(stored, b, placeTaken(b, clock.now()));
    if (change.booking.alarm !== stored.alarm) watcher.alarm(change.booking);
    watcher.changed(stored, change.booking, change.messages);
    return change;
  }

  /** Lets another node go on at once. */
  async #release(b: Booking): Promise<void> {
    const { store, clock } = this.#ports;
    await store.take(b, clock.now());
  }
}

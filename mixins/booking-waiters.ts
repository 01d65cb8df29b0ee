import type { Clock } from '#adapters/clock/port.ts';

/**
 * Requests that wait for a booking to change. Bounded: beyond `max`, a request is not kept waiting.
 */
export class BookingWaiters {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #byBooking = new Map<string, Set<() => void>>();
  #count = 0;
  #closed = false;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Begins to listen at once; `done` resolves at the next change of this booking or after `ms`.
   * Undefined: there is no room, answer now. Call `stop` when it is not awaited.
   */
  listen(
    bookingId: string,
    ms: number,
  ): { readonly done: Promise<void>; readonly stop: () => void } | undefined {
    if (this.#closed || this.#count >= this.#max) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const here = this.#byBooking.get(bookingId) ?? new Set();
    this.#byBooking.set(bookingId, here);
    const cancel = this.#clock.after(ms, () => stop());
    const stop = (): void => {
      cancel();
      if (!here.delete(stop)) return;
      this.#count--;
      if (here.size === 0) this.#byBooking.delete(bookingId);
      resolve();
    };
    here.add(stop);
    this.#count++;
    return { done: promise, stop };
  }

  /** This booking has changed. */
  notify(bookingId: string): void {
    for (const stop of [...(this.#byBooking.get(bookingId) ?? [])]) stop();
  }

  /** Lets everybody go, and nobody wait any more. */
  close(): void {
    this.#closed = true;
    for (const bookingId of [...this.#byBooking.keys()]) this.notify(bookingId);
  }
}

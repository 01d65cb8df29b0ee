import type { Clock } from '#adapters/clock/port.ts';
import type { BookingStatus } from '#domain/booking.ts';

/** Whether a booking of this status is what a request waits for. */
export type Wants = (status: BookingStatus) => boolean;

/**
 * Requests that wait for a booking to change. Bounded: beyond `max`, a request is not kept waiting.
 */
export class BookingWaiters {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #byBooking = new Map<string, Map<() => void, Wants>>();
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
   * Begins to listen at once; `done` resolves when this booking has changed to a status that the
   * request `wants`, or after `ms`.
   * Undefined: there is no room, answer now. Call `stop` when it is not awaited.
   */
  listen(
    bookingId: string,
    ms: number,
    wants: Wants = () => true,
  ): { readonly done: Promise<void>; readonly stop: () => void } | undefined {
    if (this.#closed || this.#count >= this.#max) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const here = this.#byBooking.get(bookingId) ?? new Map<() => void, Wants>();
    this.#byBooking.set(bookingId, here);
    const cancel = this.#clock.after(ms, () => stop());
    const stop = (): void => {
      cancel();
      if (!here.delete(stop)) return;
      this.#count--;
      if (here.size === 0) this.#byBooking.delete(bookingId);
      resolve();
    };
    here.set(stop, wants);
    this.#count++;
    return { done: promise, stop };
  }

  /** This booking has changed to `status`; undefined: everybody must look. */
  notify(bookingId: string, status?: BookingStatus): void {
    for (const [stop, wants] of [...(this.#byBooking.get(bookingId) ?? [])]) {
      if (status === undefined || wants(status)) stop();
    }
  }

  /** Lets everybody go, and nobody wait any more. */
  close(): void {
    this.#closed = true;
    for (const bookingId of [...this.#byBooking.keys()]) this.notify(bookingId);
  }
}

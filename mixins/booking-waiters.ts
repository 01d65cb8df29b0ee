import type { Clock } from '#adapters/clock/port.ts';
import type { BookingStatus } from '#domain/booking.ts';

type End<News> = (news?: News) => void;

/** Whether a booking of this status is what a request waits for. */
export type Wants = (status: BookingStatus) => boolean;

/**
 * Requests that wait for a booking to change; `News` may be told of a change. Bounded: beyond `max`,
 * a request is not kept waiting.
 */
export class BookingWaiters<News = undefined> {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #byBooking = new Map<string, Map<End<News>, Wants>>();
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
   * request `wants`, with what is told of it, or after `ms`.
   * Undefined: there is no room, answer now. Call `stop` when it is not awaited.
   */
  listen(
    bookingId: string,
    ms: number,
    wants: Wants = () => true,
  ): { readonly done: Promise<News | undefined>; readonly stop: () => void } | undefined {
    if (this.#closed || this.#count >= this.#max) return undefined;
    const { promise, resolve } = Promise.withResolvers<News | undefined>();
    const here = this.#byBooking.get(bookingId) ?? new Map<End<News>, Wants>();
    this.#byBooking.set(bookingId, here);
    const cancel = this.#clock.after(ms, () => end());
    const end: End<News> = (news) => {
      cancel();
      if (!here.delete(end)) return;
      this.#count--;
      if (here.size === 0) this.#byBooking.delete(bookingId);
      resolve(news);
    };
    here.set(end, wants);
    this.#count++;
    return { done: promise, stop: () => end() };
  }

  /** This booking has changed to `status`; undefined: everybody must look. */
  notify(bookingId: string, status?: BookingStatus, news?: News): void {
    for (const [end, wants] of [...(this.#byBooking.get(bookingId) ?? [])]) {
      if (status === undefined || wants(status)) end(news);
    }
  }

  /** Lets everybody go, and nobody wait any more. */
  close(): void {
    this.#closed = true;
    for (const bookingId of [...this.#byBooking.keys()]) this.notify(bookingId);
  }
}

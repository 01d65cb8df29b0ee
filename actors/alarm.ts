import type { Cancel, Clock } from '#adapters/clock/port.ts';

/** One timer that is never later than asked; it may ring early, and then is to be set again. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #set: { readonly at: number; readonly cancel: Cancel } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` (epoch ms), `now` being the time on the same clock. */
  setFor(at: number, now: number): void {
    if (this.#set !== undefined && this.#set.at <= at) return;
    this.#set?.cancel();
    const cancel = this.#clock.after(Math.max(1, at - now), () => {
      this.#set = undefined;
      this.#ring();
    });
    this.#set = { at, cancel };
  }

  cancel(): void {
    this.#set?.cancel();
    this.#set = undefined;
  }
}

import type { Clock } from '#adapters/clock/port.ts';
import type { Limits } from '#domain/limits.ts';

/** Answers are counted in windows of this length. */
const windowMs = 100;
const windowsMax = 50;

/**
 * How many requests may be under way: as many as are answered within `limits.httpQueueWaitMs`, at
 * the rate of the best of the last fifty windows: refusing takes time too, which must not make
 * the bound smaller and the refusals more. More would only wait longer, and those that
 * waited past their deadline would have cost a place for nothing. Never fewer than
 * `httpInFlightMin`, so that a rush after a quiet time is let in and shows what can be done.
 */
export class Admission {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #windows: number[] = [];
  #windowEndsAt = 0;
  #answered = 0;
  #inFlight = 0;
  #max: number;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#max = this.#bound();
  }

  /** False: to be refused at once. True: `leave` must follow. */
  enter(): boolean {
    if (this.#inFlight >= this.#max) {
      // Nothing may have been answered for a while.
      this.#turn();
      return false;
    }
    this.#inFlight++;
    return true;
  }

  leave(): void {
    this.#inFlight--;
    this.#answered++;
    this.#turn();
  }

  #turn(): void {
    const now = this.#clock.monotonic();
    if (now < this.#windowEndsAt) return;
    // A window that began long ago says little of what can be done.
    const fresh = now < this.#windowEndsAt + windowMs;
    this.#windows.push(fresh ? this.#answered : 0);
    if (this.#windows.length > windowsMax) this.#windows.shift();
    this.#answered = 0;
    this.#windowEndsAt = now + windowMs;
    this.#max = this.#bound();
  }

  #bound(): number {
    const { httpQueueWaitMs, httpInFlightMin, httpInFlightMax } = this.#limits;
    const answers = (Math.max(0, ...this.#windows) * httpQueueWaitMs) / windowMs;
    return Math.min(Math.max(answers, httpInFlightMin), httpInFlightMax);
  }
}

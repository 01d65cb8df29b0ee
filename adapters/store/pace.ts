import type { Clock } from '#adapters/clock/port.ts';

/** Milliseconds from one command's begin to the next one's. */
export const spacing = {
  readMs: 5,
  writeMs: 10,
  /** Of writes that nobody waits for. */
  unawaitedMs: 50,
} as const;

/**
 * Says when the next command of a kind may begin: `spacingMs` after the last one began, so that
 * under load more goes with each; at once after a pause.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  #last = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, spacingMs: number) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
  }

  /** Resolves when the next may begin, or after a tick if it is `full`. One call at a time. */
  async turn(full: () => boolean = () => false): Promise<void> {
    await this.#clock.tick();
    const wait = this.#last + this.#spacingMs - this.#clock.monotonic();
    if (wait > 0 && !full()) await this.#clock.sleep(Math.ceil(wait));
    this.#last = this.#clock.monotonic();
  }
}

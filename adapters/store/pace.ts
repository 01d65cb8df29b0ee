import type { Clock } from '#adapters/clock/port.ts';

/** Milliseconds from one command's begin to the next one's. */
export const spacing = {
  readMs: 10,
  writeMs: 20,
  /** Of what is done about messages: nobody waits for a mail within a second. */
  messagesMs: 500,
} as const;

/** A slow command lengthens the spacing to so many times what it took, or what it may count for. */
const restFactor = 3;
const slowMs = 100;

/**
 * Says when the next command of a kind may begin: `spacingMs` after the last one began, and three
 * times what that one took, so that under load more goes with each; at once after a pause. With
 * commands side by side in `lanes` they follow each other as much faster.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  readonly #lanes: number;
  #last = Number.NEGATIVE_INFINITY;
  #tookMs = 0;

  constructor(clock: Clock, spacingMs: number, lanes = 1) {
    this.#clock = clock;
    this.#spacingMs = spacingMs;
    this.#lanes = lanes;
  }

  /**
   * Resolves when the next may begin, or after a tick if it is `full`, with what is to be called
   * when it has ended. One call at a time.
   */
  async turn(full: () => boolean = () => false): Promise<() => void> {
    await this.#clock.tick();
    const spacing = Math.max(this.#spacingMs, (restFactor * this.#tookMs) / this.#lanes);
    const wait = this.#last + spacing - this.#clock.monotonic();
    if (wait > 0 && !full()) await this.#clock.sleep(Math.ceil(wait));
    const began = this.#clock.monotonic();
    this.#last = began;
    return () => {
      this.#tookMs = Math.min(slowMs, this.#clock.monotonic() - began);
    };
  }
}

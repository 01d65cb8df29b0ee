import type { Clock } from '#adapters/clock/port.ts';
import { Pace, spacing } from '#adapters/store/pace.ts';

type Waiting<T> = {
  readonly item: T;
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
};

export type GroupCommitOptions<T> = {
  readonly clock: Clock;
  /** Items of one write. */
  readonly groupMax: number;
  /** Writes under way at once (1); with more, the order of items is not kept. */
  readonly lanes?: number;
  /** Milliseconds from one write's begin to the next one's, unless that is full (`spacing.writeMs`). */
  readonly spacingMs?: number;
  /** Items that wait while a write is under way; `add` rejects beyond, with `whenFull()`. */
  readonly waitingMax: number;
  readonly whenFull: () => Error;
  /** Stores the items in order; its rejection becomes that of each of them. */
  readonly write: (items: readonly T[]) => Promise<void>;
};

/**
 * Stores what comes in during one moment with one write, and while that is under way, or began but
 * just now, collects for the next: many small writes cost little more than a few large ones. What
 * comes after a pause is written at once.
 */
export class GroupCommit<T> {
  readonly #options: GroupCommitOptions<T>;
  #waiting: Waiting<T>[] = [];
  #writing = 0;
  /** A write is about to take what waits. */
  #gathering = false;
  readonly #pace: Pace;

  constructor(options: GroupCommitOptions<T>) {
    this.#options = options;
    const { clock, spacingMs = spacing.writeMs, lanes } = options;
    this.#pace = new Pace(clock, spacingMs, lanes);
  }

  /** Resolves when the item is stored. */
  add(item: T): Promise<void> {
    const { waitingMax, whenFull, lanes = 1 } = this.#options;
    if (this.#waiting.length >= waitingMax) return Promise.reject(whenFull());
    return new Promise((settle, fail) => {
      this.#waiting.push({ item, settle, fail });
      if (!this.#gathering && this.#writing < lanes) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    const { groupMax, write } = this.#options;
    this.#writing++;
    // Another lane that gathers takes what waits.
    while (this.#waiting.length > 0 && !this.#gathering) {
      this.#gathering = true;
      const ended = await this.#pace.turn(() => this.#waiting.length >= groupMax);
      this.#gathering = false;
      const group = this.#waiting.splice(0, groupMax);
      try {
        await write(group.map(({ item }) => item));
        for (const { settle } of group) settle();
      } catch (error) {
        for (const { fail } of group) fail(error);
      }
      ended();
    }
    this.#writing--;
  }
}

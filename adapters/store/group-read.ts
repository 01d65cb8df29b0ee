import type { Clock } from '#adapters/clock/port.ts';
import { Pace, spacing } from '#adapters/store/pace.ts';

/** What is looked up together comes in one answer: the default is 101, then a second one. */
export const inOneAnswer = { batchSize: 2_000 } as const;

/**
 * Looks up by key; the look-ups of one moment share a query, which begins after the last of them
 * was asked for: each sees what was stored before its call. Queries begin some milliseconds
 * apart; what is asked for after a pause is looked up at once.
 */
export class GroupRead<T> {
  readonly #pace: Pace;
  readonly #query: (keys: readonly string[]) => Promise<readonly T[]>;
  readonly #keyOf: (row: T) => string;
  #keys = new Set<string>();
  #rows: Promise<ReadonlyMap<string, readonly T[]>> | undefined;

  /** `query` answers every row of these keys; its rejection becomes that of each look-up. */
  constructor(
    clock: Clock,
    query: (keys: readonly string[]) => Promise<readonly T[]>,
    keyOf: (row: T) => string,
    spacingMs: number = spacing.readMs,
  ) {
    this.#pace = new Pace(clock, spacingMs);
    this.#query = query;
    this.#keyOf = keyOf;
  }

  /** The rows of this key, in the query's order. */
  async all(key: string): Promise<readonly T[]> {
    this.#keys.add(key);
    this.#rows ??= this.#read();
    return (await this.#rows).get(key) ?? [];
  }

  async one(key: string): Promise<T | undefined> {
    return (await this.all(key))[0];
  }

  async #read(): Promise<ReadonlyMap<string, readonly T[]>> {
    const ended = await this.#pace.turn();
    const keys = [...this.#keys];
    this.#keys = new Set();
    this.#rows = undefined;
    try {
      return Map.groupBy(await this.#query(keys), this.#keyOf);
    } finally {
      ended();
    }
  }
}

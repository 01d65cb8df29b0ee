import type { Entry } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

/** What stands in the journal behind the newest snapshot: a new owner has to replay it. */
export class Tail {
  readonly #limits: Limits;
  #entries: number;
  #bytes: number;

  constructor(limits: Limits, entries: number, bytes: number) {
    this.#limits = limits;
    this.#entries = entries;
    this.#bytes = bytes;
  }

  add(entry: Entry): void {
    this.#entries++;
    this.#bytes += entry.facts.length;
  }

  /** Whether replaying it takes too long by now. */
  get long(): boolean {
    const { snapshotEveryEntries, snapshotEveryBytes } = this.#limits;
    return this.#entries >= snapshotEveryEntries || this.#bytes >= snapshotEveryBytes;
  }

  /** A snapshot is being stored. */
  cut(): void {
    this.#entries = 0;
    this.#bytes = 0;
  }
}

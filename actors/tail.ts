import type { Entry } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

/** This part of what calls for a snapshot is replayed in no time. */
const shortShare = 1 / 40;

/** What stands in the journal behind the newest snapshot: a new owner has to replay it. */
export class Tail {
  readonly #limits: Limits;
  #entries: number;
  #bytes: number;
  #wanted = false;

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
    const isLong = this.#entries >= snapshotEveryEntries || this.#bytes >= snapshotEveryBytes;
    return isLong || this.#wanted;
  }

  /** Whether a new owner replays it at once. */
  get short(): boolean {
    const { snapshotEveryEntries, snapshotEveryBytes } = this.#limits;
    const few = this.#entries <= Math.ceil(snapshotEveryEntries * shortShare);
    return few && this.#bytes <= snapshotEveryBytes * shortShare;
  }

  /** Asks for a snapshot before it is due; false: there is little to replay (`all`: nothing). */
  want(all = false): boolean {
    this.#wanted = all ? this.#entries > 0 : !this.short;
    return this.#wanted;
  }

  /** A snapshot is being stored. */
  cut(): void {
    this.#entries = 0;
    this.#bytes = 0;
    this.#wanted = false;
  }
}

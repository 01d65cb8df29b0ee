import { makeEntry, type Writer } from '#actors/entries.ts';
import { type VerifyOutcome, verifyClear, type WriteOutcome, writeEntry } from '#actors/writer.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { Entry, Journal } from '#adapters/journal/port.ts';

export type OwnJournalDeps = Writer & {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly journal: Journal;
  /** Epoch ms by the database server's clock, monotonic. */
  readonly serverNow: () => number;
};

/** The last committed entry of an owner: what the next one stands behind. */
export type Position = {
  readonly seq: number;
  readonly epoch: number;
  /** Epoch ms. */
  readonly at: number;
};

/** The journal of one event as its owner writes it, entry behind entry. */
export class OwnJournal {
  readonly #eventId: string;
  readonly #deps: OwnJournalDeps;
  readonly epoch: number;
  #seq: number;
  #at: number;
  #stopped = false;

  constructor(eventId: string, deps: OwnJournalDeps, last: Position) {
    this.#eventId = eventId;
    this.#deps = deps;
    this.epoch = last.epoch;
    this.#seq = last.seq;
    this.#at = last.at;
  }

  /** Of the last committed entry. */
  get seq(): number {
    return this.#seq;
  }

  /** Epoch ms; never below the last entry's. */
  now(): number {
    return Math.max(this.#deps.serverNow(), this.#at);
  }

  /** The next entry, under a batch id of its own. */
  entry(facts: readonly string[], at: number): Entry {
    const batchId = this.#deps.ids.ulid();
    const seq = this.#seq + 1;
    return makeEntry(this.#deps, {
      eventId: this.#eventId,
      seq,
      epoch: this.epoch,
      batchId,
      at,
      facts,
    });
  }

  /** Whether any server could store this entry. */
  canStore(entry: Entry): boolean {
    try {
      this.#deps.journal.assertStorable(entry);
      return true;
    } catch {
      return false;
    }
  }

  /** Writes the next entry, as long as it takes; committed, it is the last one. */
  async write(entry: Entry): Promise<WriteOutcome> {
    const outcome = await writeEntry(this.#deps, entry, () => this.#stopped);
    if (outcome.kind === 'committed') {
      this.#seq = entry.seq;
      this.#at = entry.at;
    }
    return outcome;
  }

  /** Whether nothing stands behind the last entry yet. */
  verify(): Promise<VerifyOutcome> {
    return verifyClear(this.#deps, this.#eventId, this.#seq + 1, () => this.#stopped);
  }

  /** Ends the tries of what is being written. */
  stop(): void {
    this.#stopped = true;
  }
}

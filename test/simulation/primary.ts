import { DuplicateEntry, type MemoryStore } from '#adapters/journal/memory.ts';
import type { Entry } from '#adapters/journal/port.ts';
import type { FaultKind } from '#test/simulation/faults.ts';

type PrimaryOptions = {
  readonly store: MemoryStore;
  readonly fault: (kind: FaultKind, about: string) => void;
  /** Told of every entry at the moment a majority has it. */
  readonly applied: (entry: Entry) => void;
};

/**
 * The primary of the database: what a majority has is in the store; a write that only the primary
 * has takes its key already, is shown to no majority read, and may be lost in an election.
 */
export class Primary {
  readonly #o: PrimaryOptions;
  readonly #alone = new Map<string, { readonly entry: Entry; readonly lost: boolean }>();

  constructor(options: PrimaryOptions) {
    this.#o = options;
  }

  async append(entry: Entry): Promise<void> {
    const other = this.#alone.get(keyOf(entry));
    if (other !== undefined) {
      if (other.lost) {
        this.#o.fault('append: duplicate key of a write that is taken back', keyOf(entry));
      }
      throw new DuplicateEntry(keyOf(entry));
    }
    await this.#o.store.journal.append(entry);
    this.#o.applied(entry);
  }

  /** Whether a linearizable read of this key must wait. */
  isUndecided(eventId: string, seq: number): boolean {
    return this.#alone.has(keyOf({ eventId, seq }));
  }

  /** Takes a write that no majority has yet; false when its key is taken. */
  async takeAlone(entry: Entry, lost: boolean): Promise<boolean> {
    const key = keyOf(entry);
    if (this.#alone.has(key)) return false;
    if (await this.#o.store.journal.exists(entry.eventId, entry.seq)) return false;
    this.#alone.set(key, { entry, lost });
    return true;
  }

  /** The election is over: the write is lost, or a majority has it. */
  async decide(entry: Entry): Promise<void> {
    const key = keyOf(entry);
    const alone = this.#alone.get(key);
    this.#alone.delete(key);
    if (alone === undefined || alone.lost) return;
    await this.append(entry);
  }
}

const keyOf = ({ eventId, seq }: Pick<Entry, 'eventId' | 'seq'>): string => `${eventId}:${seq}`;

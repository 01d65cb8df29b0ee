import type { MemoryStore } from '#adapters/journal/memory.ts';
import type { Directory, Entry, Journal, Nodes, Snapshots } from '#adapters/journal/port.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import type { Primary } from '#test/simulation/primary.ts';
import { type Life, remote, type Scheduler } from '#test/simulation/scheduler.ts';

/** What the database is for one node at the moment; changed by the world. */
export type Link = {
  /** Everything fails until then (ms since the begin). */
  cutUntil: number;
  /** Heartbeats fail until then. */
  beatsLostUntil: number;
  /** Gateways do not reach the node until then. */
  unreachableUntil: number;
  /** Until then the node talks to an old primary, which knows each event up to its `staleSeqs`. */
  staleUntil: number;
  staleSeqs: ReadonlyMap<string, number>;
};

export const goodLink = (): Link => ({
  cutUntil: 0,
  beatsLostUntil: 0,
  unreachableUntil: 0,
  staleUntil: 0,
  staleSeqs: new Map(),
});

export type OldSnapshot = {
  readonly eventId: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
};

export type StoreOptions = {
  readonly store: MemoryStore;
  readonly primary: Primary;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly life: Life;
  readonly link: Link;
  /** Probability of trouble of one call. */
  readonly trouble: () => number;
  /** All snapshots that were saved, by any node. */
  readonly older: OldSnapshot[];
  /** Entries of more characters cannot be stored. */
  readonly entryCharsMax: number;
  readonly fault: (kind: FaultKind, about: string) => void;
};

/** The database as one life of one node meets it: late, lossy, and sometimes an old primary. */
export class FaultyStore {
  readonly #o: StoreOptions;

  constructor(options: StoreOptions) {
    this.#o = options;
  }

  readonly journal: Journal = {
    append: (entry) => this.#append(entry),
    read: (eventId, seq) =>
      this.#read('read', async () => {
        const found = await this.#o.store.journal.read(eventId, seq);
        return this.#hides(eventId, seq) ? undefined : found;
      }),
    exists: (eventId, seq) => {
      const waits = this.#o.primary.isUndecided(eventId, seq);
      if (this.#stale || waits || this.#o.chance.hits(this.#o.trouble())) {
        this.#o.fault('linearizable read failed', `at ${seq}`);
        return this.#fails();
      }
      return this.#call(() => this.#o.store.journal.exists(eventId, seq));
    },
    head: (eventId) =>
      this.#read('head', async () => {
        const head = await this.#o.store.journal.head(eventId);
        if (head === undefined || !this.#hides(eventId, head.seq)) return head;
        return this.#o.store.journal.read(eventId, this.#staleSeq(eventId));
      }),
    replay: (eventId, fromSeq, limit) =>
      this.#read('replay', async () => {
        const found = await this.#o.store.journal.replay(eventId, fromSeq, limit);
        if (found.some(({ compacted }) => compacted === true)) {
          this.#o.fault('emptied entry read', `from ${fromSeq}`);
        }
        return found.filter((entry) => !this.#hides(eventId, entry.seq));
      }),
    assertStorable: (entry) => {
      this.#o.store.journal.assertStorable(entry);
      if (entry.facts.length <= this.#o.entryCharsMax) return;
      this.#o.fault('entry cannot be stored', `${entry.facts.length} characters`);
      throw new Error('too large');
    },
    compact: (eventId, upTo, olderThan) =>
      this.#read('compact', async () => {
        const emptied = await this.#o.store.journal.compact(eventId, upTo, olderThan);
        if (emptied > 0) this.#o.fault('entries emptied', `${emptied} up to ${upTo}`);
        return emptied;
      }),
    forget: (eventId, below, olderThan) =>
      this.#read('forget', () => this.#o.store.journal.forget(eventId, below, olderThan)),
    history: (eventId, fromSeq, limit) =>
      this.#read('history', () => this.#o.store.journal.history(eventId, fromSeq, limit)),
  };

  readonly snapshots: Snapshots = {
    save: (eventId, seq, epoch, bytes) =>
      this.#other('snapshot failed', async () => {
        await this.#o.store.snapshots.save(eventId, seq, epoch, bytes);
        this.#o.older.push({ eventId, seq, bytes: bytes.slice() });
      }),
    load: (eventId) =>
      this.#other('snapshot failed', async () => {
        const newest = await this.#o.store.snapshots.load(eventId);
        const { older, chance, trouble, fault } = this.#o;
        const before = older.findLast(
          (old) => old.eventId === eventId && old.seq < (newest?.seq ?? 0),
        );
        if (before === undefined || !chance.hits(10 * trouble())) return newest;
        // As when an old primary is asked: it does not know the newest yet.
        fault('old snapshot answered', `${before.seq}`);
        return before;
      }),
    removeBelow: (eventId, seq) =>
      this.#other('snapshot failed', () => this.#o.store.snapshots.removeBelow(eventId, seq)),
  };

  readonly directory: Directory = {
    forgettable: (...page) =>
      this.#other('directory failed', () => this.#o.store.directory.forgettable(...page)),
    setLive: (...row) =>
      this.#other('directory failed', () => this.#o.store.directory.setLive(...row)),
    clearLive: (...row) =>
      this.#other('directory failed', () => this.#o.store.directory.clearLive(...row)),
    refresh: (rows) => this.#other('directory failed', () => this.#o.store.directory.refresh(rows)),
    find: (eventId) => this.#other('directory failed', () => this.#o.store.directory.find(eventId)),
    live: (after, limit) =>
      this.#other('directory failed', () => this.#o.store.directory.live(after, limit)),
  };

  readonly nodes: Nodes = {
    beat: (...row) => {
      if (this.#o.scheduler.now < this.#o.link.beatsLostUntil || this.#stale) return this.#fails();
      return this.#call(() => this.#o.store.nodes.beat(...row));
    },
    all: () => (this.#stale ? this.#fails() : this.#call(() => this.#o.store.nodes.all())),
    remove: (...row) => this.#call(() => this.#o.store.nodes.remove(...row)),
  };

  get #stale(): boolean {
    return this.#o.scheduler.now < this.#o.link.staleUntil;
  }

  get #cut(): boolean {
    return this.#o.scheduler.now < this.#o.link.cutUntil;
  }

  #staleSeq(eventId: string): number {
    return this.#o.link.staleSeqs.get(eventId) ?? 0;
  }

  #hides(eventId: string, seq: number): boolean {
    const hides = this.#stale && seq > this.#staleSeq(eventId);
    if (hides) this.#o.fault('stale read answered', `without ${seq}`);
    return hides;
  }

  #call<T>(effect: () => Promise<T>): Promise<T> {
    return this.#cut ? this.#fails() : remote(this.#o, effect);
  }

  /** Brings an answer to the node, which may be paused, or not be there any more. */
  #answered<T>(done: Promise<T>): Promise<T> {
    const { scheduler, chance, life } = this.#o;
    return new Promise((resolve, reject) => {
      const deliver = (): void => {
        scheduler.after(chance.ms(0.1, 3), life, () => void done.then(resolve, reject));
      };
      done.then(deliver, deliver);
    });
  }

  #fails<T>(minMs = 1, maxMs = 400): Promise<T> {
    const { scheduler, chance, life } = this.#o;
    return new Promise((_, reject) => {
      scheduler.after(chance.ms(minMs, maxMs), life, () => reject(new Error('no answer')));
    });
  }

  #read<T>(name: string, effect: () => Promise<T>): Promise<T> {
    if (!this.#o.chance.hits(this.#o.trouble())) return this.#call(effect);
    this.#o.fault('read failed', name);
    return this.#fails();
  }

  #other<T>(kind: FaultKind, effect: () => Promise<T>): Promise<T> {
    if (!this.#stale && !this.#o.chance.hits(this.#o.trouble())) return this.#call(effect);
    this.#o.fault(kind, '');
    return this.#fails();
  }

  /** Sends an insert that reaches the server in `ms`, whatever becomes of the sender. */
  #send(entry: Entry, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#o.scheduler.after(
        ms,
        undefined,
        () => void this.#o.primary.append(entry).then(resolve, reject),
      );
    });
  }

  #append(entry: Entry): Promise<void> {
    const { chance, fault } = this.#o;
    const about = `${entry.seq} of ${entry.node}`;
    // An old primary takes no write that a majority would keep.
    if (this.#cut || this.#stale) return this.#fails();
    if (!chance.hits(2 * this.#o.trouble())) return this.#call(() => this.#o.primary.append(entry));
    const kind = chance.int(1, 6);
    if (kind === 1) {
      fault('append: acknowledgement lost', about);
      this.#send(entry, chance.ms(0.1, 50)).catch(() => {});
      return this.#fails(60, 1_500);
    }
    if (kind === 2) {
      fault('append: not applied', about);
      return this.#fails();
    }
    if (kind === 3) {
      fault('append: applied late', about);
      this.#send(entry, chance.ms(5, 4_000)).catch(() => this.#noteLate(entry));
      return this.#fails(1, 100);
    }
    if (kind === 4) {
      fault('append: sent twice', about);
      const first = this.#send(entry, chance.ms(0.1, 3));
      const second = this.#send(entry, chance.ms(0.1, 300));
      first.catch(() => {});
      second.catch(() => {});
      return this.#answered(chance.hits(0.5) ? first : second);
    }
    if (kind === 5) {
      void this.#takeAlone(entry);
      return this.#fails(20, 400);
    }
    fault('append: slow', about);
    return this.#answered(this.#send(entry, chance.ms(50, 1_200)));
  }

  /** A write that came after all has found its own retry. */
  async #noteLate(entry: Entry): Promise<void> {
    const found = await this.#o.store.journal.read(entry.eventId, entry.seq);
    if (found?.batchId !== entry.batchId) return;
    this.#o.fault('append: late, behind its own retry', `${entry.seq} of ${entry.node}`);
  }

  /** A write that only the primary has for a while; then an election takes it back, or not. */
  async #takeAlone(entry: Entry): Promise<void> {
    const { chance, fault, primary, scheduler } = this.#o;
    const lost = chance.hits(0.7);
    const ms = chance.ms(30, 900);
    if (!(await primary.takeAlone(entry, lost))) return;
    if (lost) fault('append: taken back by an election', `${entry.seq} of ${entry.node}`);
    scheduler.after(ms, undefined, () => void primary.decide(entry).catch(() => {}));
  }
}

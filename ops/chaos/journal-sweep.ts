import type { Db } from 'mongodb';
import { factsOf } from '#actors/entries.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { createMongoJournal } from '#adapters/journal/mongo-journal.ts';
import type { Entry } from '#adapters/journal/port.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { limits } from '#domain/limits.ts';

/** A planned change of owner, by the entries' times. */
export type HandOver = {
  /** Epoch ms of the old owner's last entry. */
  readonly at: number;
  /** From the last entry of the old owner to the claim of the new one. */
  readonly claimedMs: number;
  /** … and to the first command that it decided for a caller. */
  readonly acceptsMs: number;
};

/** What one event's journal says, read without the code that decides. */
export type Sweep = {
  /** Broken rules, in words. */
  readonly findings: readonly string[];
  readonly held: ReadonlySet<string>;
  readonly released: ReadonlySet<string>;
  /** Place → `r` reserved, `s` sold, `b` blocked; absent: available. */
  readonly taken: ReadonlyMap<number, 'r' | 's' | 'b'>;
  readonly seq: number;
  readonly handOvers: readonly HandOver[];
};

const pageSize = 1_000;
/** A longer pause after a hand-over says that nobody asked, not that nobody answered. */
const handOverMostMs = 10_000;
/** Facts that a caller has asked for. */
const asked: ReadonlySet<Fact['type']> = new Set([
  'held',
  'extended',
  'pinned',
  'released',
  'sold',
  'sell-refused',
  'unsold',
]);

/**
 * Sweeps a journal, archive included. Each call of what it answers reads on from where the last
 * one ended, and answers the same sweep.
 */
export function journalSweep(db: Db, eventId: string): () => Promise<Sweep> {
  const journal = createMongoJournal(db, limits, systemClock);
  const sweeper = new Sweeper(eventId);
  let next = 1;
  return async () => {
    for (;;) {
      const entries = await journal.history(eventId, next, pageSize);
      for (const entry of entries) sweeper.entry(entry);
      next = (entries.at(-1)?.seq ?? next - 1) + 1;
      if (entries.length < pageSize) return sweeper;
    }
  };
}

/** Sweeps entries that are at hand, from the first on. */
export function sweepEntries(eventId: string, entries: readonly Entry[]): Sweep {
  const sweeper = new Sweeper(eventId);
  for (const entry of entries) sweeper.entry(entry);
  return sweeper;
}

type Live = { readonly places: readonly number[]; deadline: number };

/** Follows a journal fact by fact and notes every rule that one breaks. */
class Sweeper implements Sweep {
  readonly findings: string[] = [];
  readonly held = new Set<string>();
  readonly released = new Set<string>();
  readonly taken = new Map<number, 'r' | 's' | 'b'>();
  readonly handOvers: HandOver[] = [];
  seq = 0;
  readonly #eventId: string;
  readonly #live = new Map<string, Live>();
  readonly #answers = new Set<string>();
  readonly #soldTo = new Map<number, string>();
  #epoch = 0;
  #owner = '';
  #at = 0;
  #handedOverAt: number | undefined;
  #claimedAt = 0;

  constructor(eventId: string) {
    this.#eventId = eventId;
  }

  entry(entry: Entry): void {
    const { seq, epoch, at, incarnation } = entry;
    if (seq !== this.seq + 1) this.#finding(`entry ${seq} follows ${this.seq}`);
    this.seq = seq;
    if (at < this.#at) this.#finding('time goes back');
    this.#at = at;
    const facts = factsOf(entry);
    const claim = facts.find((fact) => fact.type === 'claimed');
    if (claim !== undefined) {
      if (epoch !== this.#epoch + 1) this.#finding(`epoch ${epoch} after ${this.#epoch}`);
      this.#epoch = epoch;
      this.#owner = incarnation;
      this.#claimedAt = at;
    } else if (epoch !== this.#epoch || incarnation !== this.#owner) {
      this.#finding(`written by ${incarnation} of epoch ${epoch}, not by the owner`);
    }
    for (const fact of facts) this.#fact(fact);
    if (facts.some(({ type }) => asked.has(type))) this.#accepts();
  }

  #finding(what: string): void {
    this.findings.push(`${this.#eventId} entry ${this.seq}: ${what}`);
  }

  #fact(fact: Fact): void {
    switch (fact.type) {
      case 'held':
        this.#hold(fact);
        break;
      case 'pinned':
      case 'extended':
        this.#prolong(fact);
        break;
      case 'released':
        this.released.add(fact.hold);
        this.#end(fact.hold, fact.type);
        break;
      case 'expired':
        if ((this.#live.get(fact.hold)?.deadline ?? 0) > this.#at) {
          this.#finding(`${fact.hold} expired before its deadline`);
        }
        this.#end(fact.hold, fact.type);
        break;
      case 'sold':
        this.#sell(fact);
        break;
      case 'sell-refused':
        this.#answered(fact.booking);
        break;
      case 'unsold':
        this.#unsell(fact);
        break;
      case 'blocked':
        for (const place of fact.places) this.taken.set(place, 'b');
        break;
      case 'unblocked':
        for (const place of fact.places) this.taken.delete(place);
        break;
      case 'handed-over':
        this.#handedOverAt = this.#at;
        break;
      case 'opened':
      case 'terms-changed':
      case 'claimed':
        break;
    }
  }

  #prolong({ type, hold, deadline }: Extract<Fact, { type: 'pinned' | 'extended' }>): void {
    const live = this.#liveHold(hold, type);
    if (live !== undefined) live.deadline = deadline;
  }

  #hold({ hold, places, deadline }: Extract<Fact, { type: 'held' }>): void {
    if (this.held.has(hold)) this.#finding(`${hold} is held a second time`);
    this.held.add(hold);
    for (const place of places) {
      if (this.taken.has(place)) this.#finding(`${hold} holds place ${place}, which is not free`);
      this.taken.set(place, 'r');
    }
    this.#live.set(hold, { places, deadline });
  }

  #accepts(): void {
    if (this.#handedOverAt === undefined) return;
    const acceptsMs = this.#at - this.#handedOverAt;
    const claimedMs = this.#claimedAt - this.#handedOverAt;
    if (acceptsMs < handOverMostMs) {
      this.handOvers.push({ at: this.#handedOverAt, claimedMs, acceptsMs });
    }
    this.#handedOverAt = undefined;
  }

  #liveHold(id: string, what: string): Live | undefined {
    const hold = this.#live.get(id);
    if (hold === undefined) this.#finding(`${what} of ${id}, which is not live`);
    return hold;
  }

  #end(id: string, what: string): void {
    const hold = this.#liveHold(id, what);
    for (const place of hold?.places ?? []) this.taken.delete(place);
    this.#live.delete(id);
  }

  #answered(booking: string): void {
    if (this.#answers.has(booking)) this.#finding(`a second answer to ${booking}`);
    this.#answers.add(booking);
  }

  #sell({ booking, hold, places }: Extract<Fact, { type: 'sold' }>): void {
    this.#answered(booking);
    if (this.#live.has(hold)) this.#end(hold, 'sale');
    for (const place of places) {
      if (this.taken.has(place)) this.#finding(`${booking} is sold place ${place}: not free`);
      this.taken.set(place, 's');
      this.#soldTo.set(place, booking);
    }
  }

  #unsell({ booking, places, blocked }: Extract<Fact, { type: 'unsold' }>): void {
    for (const place of places) {
      if (this.#soldTo.get(place) !== booking) {
        this.#finding(`${booking} gives back place ${place}, which it does not have`);
      }
      this.#soldTo.delete(place);
      if (blocked) this.taken.set(place, 'b');
      else this.taken.delete(place);
    }
  }
}

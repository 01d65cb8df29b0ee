import type { Entry } from '#adapters/journal/port.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { limits } from '#domain/limits.ts';

type ModelHold = {
  places: readonly number[];
  createdAt: number;
  deadline: number;
  pinned: boolean;
  /** The command that prolonged it last. */
  extendedBy?: string;
};

/**
 * A second, plain account of who has which place, kept from the facts alone: it shares no code with
 * `evolve` and says what no sequence of facts may do.
 */
export class SeatModel {
  readonly #fail: (problem: string) => void;
  /** Place → hold or booking. */
  readonly #owner = new Map<number, string>();
  readonly #live = new Map<string, ModelHold>();
  /** Every hold there ever was. */
  readonly #held = new Map<string, ModelHold>();
  readonly #released = new Set<string>();
  readonly #answers = new Map<string, 'sold' | 'refused'>();
  readonly #blocked = new Set<number>();
  #version = 0;
  #epoch = 0;
  #seq = 0;
  #at = 0;
  #owned: { node: string; incarnation: string } | undefined;

  constructor(fail: (problem: string) => void) {
    this.#fail = fail;
  }

  /** Holds that are live now, and their deadlines. */
  get live(): ReadonlyMap<string, { readonly deadline: number }> {
    return this.#live;
  }

  /** Places that somebody holds or has bought. */
  get owned(): number {
    return this.#owner.size;
  }

  entry(entry: Entry, facts: readonly Fact[]): void {
    this.#must(entry.seq === this.#seq + 1, `seq ${entry.seq} follows ${this.#seq}`);
    this.#must(entry.at >= this.#at, `time goes back at ${entry.seq}`);
    this.#seq = entry.seq;
    this.#at = entry.at;
    const claims = facts[0]?.type === 'claimed';
    if (!claims) {
      const owner = this.#owned;
      const own = owner?.node === entry.node && owner.incarnation === entry.incarnation;
      this.#must(own, `${entry.node} writes ${entry.seq} without owning`);
      this.#must(entry.epoch === this.#epoch, `epoch ${entry.epoch} in epoch ${this.#epoch}`);
    }
    for (const fact of facts) this.#fact(fact, entry);
  }

  #must(holds: boolean, problem: string): void {
    if (!holds) this.#fail(problem);
  }

  #fact(fact: Fact, entry: Entry): void {
    switch (fact.type) {
      case 'claimed':
        this.#must(fact.epoch === this.#epoch + 1, `epoch ${fact.epoch} after ${this.#epoch}`);
        this.#must(fact.epoch === entry.epoch, 'a claim in an entry of another epoch');
        this.#epoch = fact.epoch;
        this.#owned = { node: fact.node, incarnation: fact.incarnation };
        break;
      case 'handed-over':
        this.#owned = undefined;
        break;
      case 'held':
        this.#hold(fact, entry.at);
        break;
      case 'extended':
      case 'pinned':
        this.#prolong(fact, entry.at);
        break;
      case 'released':
      case 'expired':
        this.#end(fact, entry.at);
        break;
      case 'sold':
        this.#sell(fact, entry.at);
        break;
      case 'sell-refused':
        this.#must(!this.#answers.has(fact.booking), `two answers for ${fact.booking}`);
        this.#answers.set(fact.booking, 'refused');
        break;
      case 'unsold':
        this.#unsell(fact);
        break;
      default:
        this.#catalogue(fact);
        break;
    }
  }

  #hold(fact: Extract<Fact, { type: 'held' }>, at: number): void {
    this.#must(!this.#held.has(fact.hold), `${fact.hold} is held twice`);
    this.#must(fact.deadline > at && fact.deadline <= at + limits.holdTtlMs, 'a wrong deadline');
    for (const place of fact.places) {
      this.#must(
        !this.#owner.has(place),
        `place ${place} held, owned by ${this.#owner.get(place)}`,
      );
      this.#must(!this.#blocked.has(place), `place ${place} is blocked and held`);
      this.#owner.set(place, fact.hold);
    }
    const { places, deadline } = fact;
    const hold = { places, createdAt: at, deadline, pinned: false };
    this.#held.set(fact.hold, hold);
    this.#live.set(fact.hold, hold);
  }

  #prolong(fact: Extract<Fact, { type: 'extended' | 'pinned' }>, at: number): void {
    const hold = this.#live.get(fact.hold);
    this.#must(hold !== undefined && at < hold.deadline, `${fact.type} of a hold that is over`);
    if (hold === undefined) return;
    this.#must(fact.deadline >= hold.deadline, `${fact.type} shortens a hold`);
    this.#must(fact.deadline <= hold.createdAt + limits.holdLifeMs, 'a hold beyond its life');
    hold.deadline = fact.deadline;
    if (fact.type === 'pinned') {
      hold.pinned = true;
      this.#must(!this.#answers.has(fact.booking), `${fact.booking} has ended and is pinned`);
    }
    if (fact.type !== 'extended') return;
    this.#must(hold.extendedBy !== fact.by, `${fact.by} extends twice`);
    hold.extendedBy = fact.by;
  }

  #end(fact: Extract<Fact, { type: 'released' | 'expired' }>, at: number): void {
    const hold = this.#live.get(fact.hold);
    this.#must(hold !== undefined, `${fact.type} of ${fact.hold}, which does not live`);
    if (hold === undefined) return;
    const timely = fact.type === 'released' ? at < hold.deadline : at >= hold.deadline;
    this.#must(timely, `${fact.type} at ${at} with deadline ${hold.deadline}`);
    if (fact.type === 'released') this.#released.add(fact.hold);
    this.#free(fact.hold);
  }

  #free(holdId: string): void {
    for (const place of this.#live.get(holdId)?.places ?? []) {
      this.#must(this.#owner.get(place) === holdId, `${holdId} frees place ${place} of another`);
      this.#owner.delete(place);
    }
    this.#live.delete(holdId);
  }

  #sell(fact: Extract<Fact, { type: 'sold' }>, at: number): void {
    this.#must(!this.#answers.has(fact.booking), `two answers for ${fact.booking}`);
    this.#answers.set(fact.booking, 'sold');
    const hold = this.#held.get(fact.hold);
    const live = this.#live.get(fact.hold);
    this.#must(hold !== undefined, `${fact.hold} is sold and was never held`);
    this.#must(!this.#released.has(fact.hold), `${fact.hold} is sold and was released`);
    this.#must(hold?.pinned === true || live !== undefined, `${fact.hold} is sold after its end`);
    if (live !== undefined) this.#must(at < live.deadline, `${fact.hold} is sold when due`);
    this.#must(hold?.places.length === fact.places.length, 'another number of seats is sold');
    this.#free(fact.hold);
    for (const place of fact.places) {
      this.#must(
        !this.#owner.has(place),
        `place ${place} sold, owned by ${this.#owner.get(place)}`,
      );
      this.#owner.set(place, fact.booking);
    }
  }

  #unsell(fact: Extract<Fact, { type: 'unsold' }>): void {
    for (const place of fact.places) {
      this.#must(
        this.#owner.get(place) === fact.booking,
        `place ${place} is not ${fact.booking}'s`,
      );
      this.#owner.delete(place);
      if (fact.blocked) this.#blocked.add(place);
    }
  }

  #catalogue(
    fact: Extract<Fact, { type: 'opened' | 'terms-changed' | 'blocked' | 'unblocked' }>,
  ): void {
    this.#must(
      fact.version === this.#version + 1,
      `version ${fact.version} after ${this.#version}`,
    );
    this.#version = fact.version ?? this.#version;
    if (fact.type === 'blocked') {
      for (const place of fact.places) {
        this.#must(!this.#owner.has(place), `place ${place} is blocked and owned`);
        this.#blocked.add(place);
      }
    } else if (fact.type === 'unblocked') {
      for (const place of fact.places) this.#blocked.delete(place);
    }
  }
}

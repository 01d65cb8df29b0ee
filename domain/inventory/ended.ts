import { grown } from '#domain/inventory/columns.ts';
import { KeyTable } from '#domain/inventory/keys.ts';
import { limits } from '#domain/limits.ts';

export type Ending = 'released' | 'expired';
export type EndedHold = {
  readonly how: Ending;
  /** The buyer's number. */
  readonly buyer: number;
  /** Where in the journal it ended, and when. */
  readonly seq: number;
  readonly at: number;
};

/** Numbers of one chain, oldest first. */
type Chain = { first: number; last: number; length: number };

/**
 * Holds that have ended, remembered for an hour so that a repeated command meets its own end: 16
 * bytes and a few columns each. Bounded per buyer; the oldest is forgotten first.
 */
export class EndedHolds {
  readonly #keys: KeyTable;
  #how = new Uint8Array(16);
  #buyer = new Uint32Array(16);
  #seq = new Float64Array(16);
  #at = new Float64Array(16);
  /** The time chain is linked both ways, a buyer's chain forward only; number + 1, 0 at the end. */
  #later = new Int32Array(16);
  #earlier = new Int32Array(16);
  #laterOfBuyer = new Int32Array(16);
  readonly #all: Chain = { first: 0, last: 0, length: 0 };
  readonly #byBuyer = new Map<number, Chain>();

  constructor(prefix: string) {
    this.#keys = new KeyTable(prefix);
  }

  get size(): number {
    return this.#all.length;
  }

  find(holdId: string): EndedHold | undefined {
    const number = this.#keys.numberOf(holdId);
    return number < 0 ? undefined : this.#read(number);
  }

  /** Remembers an ending; `at` is never below that of the ending before. */
  add(holdId: string, ended: EndedHold): void {
    if (this.#keys.numberOf(holdId) >= 0) return;
    const n = this.#keys.add(holdId);
    this.#grow(n + 1);
    this.#how[n] = ended.how === 'released' ? 1 : 0;
    this.#buyer[n] = ended.buyer;
    this.#seq[n] = ended.seq;
    this.#at[n] = ended.at;
    this.#earlier[n] = this.#all.last;
    this.#later[n] = 0;
    if (this.#all.last > 0) this.#later[this.#all.last - 1] = n + 1;
    else this.#all.first = n + 1;
    this.#all.last = n + 1;
    this.#all.length++;
    this.#addToBuyer(n, ended.buyer);
  }

  /** Forgets what ended `limits.holdMemoryMs` or longer before `at`. */
  forget(at: number): void {
    while (this.#all.first > 0) {
      const oldest = this.#all.first - 1;
      if ((this.#at[oldest] as number) + limits.holdMemoryMs > at) return;
      // The oldest of all is the oldest of its buyer as well.
      this.#forgetOldestOf(this.#buyer[oldest] as number);
    }
  }

  /** Everything remembered, oldest first. */
  *entries(): Generator<EndedHold & { readonly holdId: string }> {
    for (let at = this.#all.first; at > 0; at = this.#later[at - 1] ?? 0) {
      yield { holdId: this.#keys.idOf(at - 1), ...this.#read(at - 1) };
    }
  }

  #read(n: number): EndedHold {
    return {
      how: this.#how[n] === 1 ? 'released' : 'expired',
      buyer: this.#buyer[n] ?? 0,
      seq: this.#seq[n] ?? 0,
      at: this.#at[n] ?? 0,
    };
  }

  #addToBuyer(n: number, buyer: number): void {
    const chain = this.#byBuyer.get(buyer) ?? { first: 0, last: 0, length: 0 };
    this.#laterOfBuyer[n] = 0;
    if (chain.last > 0) this.#laterOfBuyer[chain.last - 1] = n + 1;
    else chain.first = n + 1;
    chain.last = n + 1;
    chain.length++;
    this.#byBuyer.set(buyer, chain);
    if (chain.length > limits.holdMemoryPerBuyer) this.#forgetOldestOf(buyer);
  }

  #forgetOldestOf(buyer: number): void {
    const chain = this.#byBuyer.get(buyer);
    if (chain === undefined) return;
    const n = chain.first - 1;
    chain.first = this.#laterOfBuyer[n] ?? 0;
    chain.length--;
    if (chain.length === 0) this.#byBuyer.delete(buyer);
    const earlier = this.#earlier[n] ?? 0;
    const later = this.#later[n] ?? 0;
    if (earlier > 0) this.#later[earlier - 1] = later;
    else this.#all.first = later;
    if (later > 0) this.#earlier[later - 1] = earlier;
    else this.#all.last = earlier;
    this.#all.length--;
    this.#keys.remove(n);
  }

  #grow(length: number): void {
    this.#how = grown(this.#how, length);
    this.#buyer = grown(this.#buyer, length);
    this.#seq = grown(this.#seq, length);
    this.#at = grown(this.#at, length);
    this.#later = grown(this.#later, length);
    this.#earlier = grown(this.#earlier, length);
    this.#laterOfBuyer = grown(this.#laterOfBuyer, length);
  }
}

import type { Ids } from '#adapters/ids/port.ts';
import { spellUlid } from '#domain/ids.ts';

/** All chance of one run, from its seed: the same seed gives the same course. */
export class Chance {
  #a: number;
  #b: number;

  constructor(seed: number) {
    this.#a = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
    this.#b = (seed ^ 0x2545f491) >>> 0 || 1;
    for (let i = 0; i < 16; i++) this.#next();
  }

  /** 32 bits: the sum of two xorshift generators of different shifts. */
  #next(): number {
    this.#a ^= this.#a << 13;
    this.#a ^= this.#a >>> 17;
    this.#a ^= this.#a << 5;
    this.#b ^= this.#b << 7;
    this.#b ^= this.#b >>> 9;
    this.#b ^= this.#b << 8;
    return (this.#a + this.#b) >>> 0;
  }

  /** In [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1));
  }

  /** A delay in ms, with fractions, so that few things happen at the very same time. */
  ms(min: number, max: number): number {
    return min + this.float() * (max - min);
  }

  hits(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)] as T;
  }

  ids(): Ids {
    const bytes = (length: number): Uint8Array =>
      Uint8Array.from({ length }, () => this.int(0, 255));
    return { ulid: () => spellUlid(bytes(16)), bytes, chance: () => this.float() };
  }
}

import { spellUlid } from '#domain/ids.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const digitOf = new Int8Array(128).fill(-1);
for (let i = 0; i < 32; i++) digitOf[alphabet.charCodeAt(i)] = i;

/** Words of the last key that was read by `#encode`; every use encodes first. */
const words = new Uint32Array(4);

/** Reads 26 base-32 digits of `text` from `at` into `words`; false when they are no ULID. */
function readUlid(text: string, at: number): boolean {
  let filled = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < 26; i++) {
    const digit = digitOf[text.charCodeAt(at + i)] ?? -1;
    if (digit < 0 || (i === 0 && digit > 7)) return false;
    const width = i === 0 ? 3 : 5;
    if (bits + width < 32) {
      value = (value << width) | digit;
      bits += width;
      continue;
    }
    const spare = bits + width - 32;
    words[filled++] = (value << (width - spare)) | (digit >>> spare);
    value = digit & ((1 << spare) - 1);
    bits = spare;
  }
  return true;
}

/** Fills `words` from any other text: four differently seeded 32-bit hashes. */
function hashText(text: string): void {
  for (let word = 0; word < 4; word++) {
    let h = Math.imul(word + 1, 0x9e3779b1);
    for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    words[word] = h ^ (h >>> 13);
  }
}

/**
 * A set of ids, numbered from 0 in order of arrival, at 16 bytes an id and about 10 of index: a
 * hot event remembers hundreds of thousands. An id is `prefix` and a ULID; another form works too
 * and costs a string besides. Removed numbers are given out again.
 */
export class KeyTable {
  readonly prefix: string;
  #keys: Uint32Array = new Uint32Array(4 * 16);
  /** Open addressing, slot + 1 at each position; its length is a power of two. */
  #index = new Int32Array(32);
  /** Numbers given out so far, with the removed ones among them. */
  #high = 0;
  readonly #free: number[] = [];
  /** Ids of another form, by number. */
  readonly #odd = new Map<number, string>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  get size(): number {
    return this.#high - this.#free.length;
  }

  /** The number of `id`, -1 when it is not in the set. */
  numberOf(id: string): number {
    if (this.size === 0) return -1;
    const odd = this.#encode(id);
    return (this.#index[this.#position(odd ? id : undefined)] ?? 0) - 1;
  }

  /** The number of `id`, which is added when it is new. */
  add(id: string): number {
    if ((this.size + 1) * 2 > this.#index.length) this.#growIndex();
    const odd = this.#encode(id);
    const at = this.#position(odd ? id : undefined);
    const known = this.#index[at] ?? 0;
    if (known > 0) return known - 1;
    const number = this.#free.pop() ?? this.#high++;
    if (number * 4 >= this.#keys.length) {
      const keys = new Uint32Array(Math.ceil((number + 1) * 1.25) * 4);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys.set(words, number * 4);
    if (odd) this.#odd.set(number, id);
    this.#index[at] = number + 1;
    return number;
  }

  /** The id of a number that was given out and not removed since. */
  idOf(number: number): string {
    const odd = this.#odd.get(number);
    if (odd !== undefined) return odd;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 4; i++) view.setUint32(i * 4, this.#keys[number * 4 + i] ?? 0);
    return this.prefix + spellUlid(bytes);
  }

  /** Forgets a number; what stands behind it in its probe sequence moves up. */
  remove(number: number): void {
    const mask = this.#index.length - 1;
    let hole = this.#hash(number) & mask;
    while (this.#index[hole] !== number + 1) hole = (hole + 1) & mask;
    for (let next = (hole + 1) & mask; this.#index[next] !== 0; next = (next + 1) & mask) {
      const home = this.#hash((this.#index[next] ?? 0) - 1) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#index[hole] = this.#index[next] ?? 0;
      hole = next;
    }
    this.#index[hole] = 0;
    this.#odd.delete(number);
    this.#free.push(number);
  }

  /** The keys of a set from which nothing was ever removed, by number. */
  dump(): Uint32Array {
    return this.#keys.slice(0, this.#high * 4);
  }

  /** Numbers and ids that are not of the usual form; their keys are hashes. */
  odd(): [number, string][] {
    return [...this.#odd];
  }

  /** Fills an empty set with what `dump` and `odd` gave. */
  load(keys: Uint32Array, odd: readonly (readonly [number, string])[]): void {
    this.#keys = keys;
    this.#high = keys.length / 4;
    for (const [number, id] of odd) this.#odd.set(number, id);
    while (this.#high * 2 > this.#index.length)
      this.#index = new Int32Array(this.#index.length * 2);
    for (let number = 0; number < this.#high; number++) this.#enter(number);
  }

  /** Encodes into `words`; true when the id is not of the usual form. */
  #encode(id: string): boolean {
    const usual =
      id.length === this.prefix.length + 26 &&
      id.startsWith(this.prefix) &&
      readUlid(id, this.prefix.length);
    if (!usual) hashText(id);
    return !usual;
  }

  #hash(number: number): number {
    const at = number * 4;
    return this.#mix(this.#keys[at + 1] ?? 0, this.#keys[at + 2] ?? 0, this.#keys[at + 3] ?? 0);
  }

  #mix(b: number, c: number, d: number): number {
    let h = Math.imul(b ^ Math.imul(c, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(d, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    return (h ^ (h >>> 13)) >>> 0;
  }

  /** Where the key in `words` stands in the index, or the empty position where it would. */
  #position(odd: string | undefined): number {
    const mask = this.#index.length - 1;
    let at = this.#mix(words[1] ?? 0, words[2] ?? 0, words[3] ?? 0) & mask;
    for (; this.#index[at] !== 0; at = (at + 1) & mask) {
      const number = (this.#index[at] ?? 0) - 1;
      const key = number * 4;
      if (
        this.#keys[key] === words[0] &&
        this.#keys[key + 1] === words[1] &&
        this.#keys[key + 2] === words[2] &&
        this.#keys[key + 3] === words[3] &&
        (this.#odd.size === 0 || this.#odd.get(number) === odd)
      ) {
        break;
      }
    }
    return at;
  }

  #growIndex(): void {
    const old = this.#index;
    this.#index = new Int32Array(old.length * 2);
    for (const entry of old) if (entry !== 0) this.#enter(entry - 1);
  }

  /** Puts a number into the index, at the first empty position from its home on. */
  #enter(number: number): void {
    const mask = this.#index.length - 1;
    let at = this.#hash(number) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = number + 1;
  }
}

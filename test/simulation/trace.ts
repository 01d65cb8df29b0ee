import { createHash } from 'node:crypto';

/** What happened, in order: a hash of everything, and the last lines for people. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #lines: string[] = [];
  readonly #keep: number;

  constructor(keep: number) {
    this.#keep = keep;
  }

  add(atMs: number, line: string): void {
    const text = `${atMs.toFixed(3).padStart(11)} ${line}`;
    this.#hash.update(text);
    this.#lines.push(text);
    if (this.#lines.length > 2 * this.#keep) this.#lines.splice(0, this.#keep);
  }

  /** To be asked once, at the end. */
  digest(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }

  tail(): readonly string[] {
    return this.#lines.slice(-this.#keep);
  }
}

import type { Delta } from '#domain/availability.ts';
import type { Limits } from '#domain/limits.ts';

/** The last deltas of one event without a gap, bounded in number and in changes. */
export class RecentDeltas {
  readonly #limits: Limits;
  #deltas: Delta[] = [];
  #changes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  add(delta: Delta): void {
    const last = this.#deltas.at(-1);
    if (last !== undefined && delta.from > last.version) this.clear();
    this.#deltas.push(delta);
    this.#changes += delta.changes.length;
    while (
      this.#deltas.length > this.#limits.streamResumeDeltas ||
      this.#changes > this.#limits.streamResumeChangesMax
    ) {
      this.#changes -= this.#deltas.shift()?.changes.length ?? 0;
    }
  }

  clear(): void {
    this.#deltas = [];
    this.#changes = 0;
  }

  /** What leads on from `version`; undefined where the first of it is no longer kept. */
  since(version: number): Delta[] | undefined {
    const start = this.#deltas.findIndex((delta) => delta.version > version);
    const first = this.#deltas[start];
    return first === undefined || first.from > version ? undefined : this.#deltas.slice(start);
  }
}

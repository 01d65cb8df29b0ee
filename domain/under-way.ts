/** Work that goes on behind whoever began it, in sight until it has ended. The owner bounds it. */
export class UnderWay {
  readonly #running = new Set<Promise<void>>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is told of work that rejects and must not throw; without it nobody is told. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Does not wait. The answer resolves when the work has ended, and never rejects. */
  begin(work: () => Promise<void>): Promise<void> {
    const running: Promise<void> = work()
      .catch(this.#failed)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  /** Resolves when what is under way now has ended, whatever was begun meanwhile. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.settled();
  }
}

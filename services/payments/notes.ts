/**
 * Writes to our record of payments that nobody waits for: the provider's word stands above it, and
 * one that is lost with its node comes again with the provider's webhook.
 */
export class Notes {
  readonly #failed: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();

  /** `failed` is told of a write that was not made. Must not throw. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Does not wait. The writes' own queue bounds them. */
  take(write: () => Promise<void>): void {
    const running: Promise<void> = write()
      .catch(this.#failed)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}

import { within } from '#actors/every.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Limits } from '#domain/limits.ts';

/**
 * Whether callers can reach this node, which the database does not know. A node that they cannot
 * reach takes no events, and after twice that time gives those it has to nodes that do. By then
 * all who lost the same message server take none either, so that nothing goes round among them.
 */
export class Reach {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #ask: (() => Promise<unknown>) | undefined;
  #lastHeard: number;

  /** `ask` resolves when the message server answers; undefined: there is none. */
  constructor(clock: Clock, limits: Limits, ask: (() => Promise<unknown>) | undefined) {
    this.#clock = clock;
    this.#limits = limits;
    this.#ask = ask;
    this.#lastHeard = clock.monotonic();
  }

  /** Asks once. Never rejects. */
  async look(): Promise<void> {
    if (this.#ask === undefined) return;
    const heard = this.#ask().then(
      () => true,
      () => false,
    );
    const outcome = await within(this.#clock, this.#limits.heartbeatDeadMs, heard);
    if (outcome === true) this.#lastHeard = this.#clock.monotonic();
  }

  get lost(): boolean {
    return this.#silentMs > this.#limits.messagesCutOffMs;
  }

  get lostForLong(): boolean {
    return this.#silentMs > 2 * this.#limits.messagesCutOffMs;
  }

  get #silentMs(): number {
    return this.#ask === undefined ? 0 : this.#clock.monotonic() - this.#lastHeard;
  }
}

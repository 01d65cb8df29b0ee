import { within } from '#actors/every.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Limits } from '#domain/limits.ts';

/**
 * Whether callers can reach this node, which the database does not know. A node that they cannot
 * reach takes no events, and after twice that time gives those it has to nodes that do. By then
 * all who lost the same message server take none either, so that nothing goes round among them.
 * Silence counts while this process listens: one that stood still has not been left without answer.
 */
export class Reach {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #ask: (() => Promise<unknown>) | undefined;
  #lookedAt: number;
  #silentMs = 0;

  /** `ask` resolves when the message server answers; undefined: there is none. */
  constructor(clock: Clock, limits: Limits, ask: (() => Promise<unknown>) | undefined) {
    this.#clock = clock;
    this.#limits = limits;
    this.#ask = ask;
    this.#lookedAt = clock.monotonic();
  }

  /** Asks once, each `messagesLookEveryMs`; does not wait for the answer. */
  look(): void {
    if (this.#ask === undefined) return;
    const now = this.#clock.monotonic();
    const listened = Math.min(now - this.#lookedAt, this.#limits.messagesLookEveryMs);
    // What was heard since the last look has set it below 0: that time was not silent.
    this.#silentMs = Math.max(0, this.#silentMs + listened);
    this.#lookedAt = now;
    within(
      this.#clock,
      this.#limits.heartbeatDeadMs,
      this.#ask().then(() => true),
    ).then(
      (heard) => {
        if (heard === true) this.#silentMs = -this.#limits.messagesLookEveryMs;
      },
      () => {},
    );
  }

  get lost(): boolean {
    return this.#silentMs >= this.#limits.messagesCutOffMs;
  }

  get lostForLong(): boolean {
    return this.#silentMs >= 2 * this.#limits.messagesCutOffMs;
  }
}

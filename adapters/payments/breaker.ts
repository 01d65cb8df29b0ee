import type { Clock } from '#adapters/clock/port.ts';
import { UsherError } from '#domain/errors.ts';

export type BreakerOptions = {
  /** Calls under way at once; more are refused, not queued. */
  readonly inFlightMax: number;
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** How long it stays open before one call may try again. */
  readonly openMs: number;
  /** Calls under way at once when it closes again; each success makes room for one more. */
  readonly roomAfterOutage: number;
};

export const defaultBreaker: BreakerOptions = {
  inFlightMax: 2_048,
  failuresMax: 20,
  openMs: 2_000,
  roomAfterOutage: 16,
};

/**
 * Keeps a provider that does not answer from tying up everybody: after `failuresMax` failures in a
 * row calls are refused at once for `openMs`, then one is let through to try. It stands around the
 * provider and not on Moleculer's actions: those count per node and action and would take a whole
 * `payments` node out of the registry, its database reads and webhooks included, for a fault that
 * is the provider's. A refused call was certainly not sent, yet is reported as
 * `payment-provider-unavailable` like the others: the caller asks again either way.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #options: BreakerOptions;
  #inFlight = 0;
  #failures = 0;
  #openUntil = 0;
  /** In flight at once: few after an outage, one more with each success. */
  #room: number;

  constructor(clock: Clock, options: BreakerOptions = defaultBreaker) {
    this.#clock = clock;
    this.#options = options;
    this.#room = options.inFlightMax;
  }

  get state(): 'closed' | 'open' {
    return this.#failures >= this.#options.failuresMax ? 'open' : 'closed';
  }

  /** Runs `task` unless open or full. `isFailure` says which errors are the provider's silence. */
  async run<T>(task: () => Promise<T>, isFailure: (error: unknown) => boolean): Promise<T> {
    this.#admit();
    this.#inFlight++;
    try {
      const value = await task();
      this.#failures = 0;
      this.#room = Math.min(this.#room + 1, this.#options.inFlightMax);
      return value;
    } catch (error) {
      this.#failures = isFailure(error) ? this.#failures + 1 : 0;
      if (this.state === 'open') this.#open();
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  #open(): void {
    this.#openUntil = this.#clock.monotonic() + this.#options.openMs;
    this.#room = Math.min(this.#options.roomAfterOutage, this.#options.inFlightMax);
  }

  #admit(): void {
    const now = this.#clock.monotonic();
    if (this.state === 'open') {
      if (now < this.#openUntil) {
        const retryAfterMs = Math.ceil(this.#openUntil - now);
        throw new UsherError('payment-provider-unavailable', undefined, { retryAfterMs });
      }
      // This call tries; the others wait for its outcome.
      this.#openUntil = now + this.#options.openMs;
    }
    if (this.#inFlight >= this.#room) {
      throw new UsherError('payment-provider-unavailable', 'Too many payments are under way');
    }
  }
}

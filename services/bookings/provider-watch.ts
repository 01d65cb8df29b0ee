import type { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { UsherError } from '#domain/errors.ts';
import { type PaymentDownPolicy, providerAway } from '#domain/provider-away.ts';

/** A node that has said nothing for so long is not believed any more. */
const believedMs = 3_000;
const retryAfterMs = 5_000;

/**
 * Whether the payment provider answers, as the nodes of the payments service tell. It is away when
 * it answers none of them: one that is cut off by itself stops no sale.
 */
export class ProviderWatch {
  readonly #broker: ServiceBroker;
  readonly #clock: Clock;
  readonly #policy: PaymentDownPolicy;
  readonly #awayAt = new Map<string, number>();

  constructor(broker: ServiceBroker, clock: Clock, policy: PaymentDownPolicy) {
    this.#broker = broker;
    this.#clock = clock;
    this.#policy = policy;
  }

  heard(nodeId: string, answers: boolean): void {
    if (answers) this.#awayAt.delete(nodeId);
    else this.#awayAt.set(nodeId, this.#clock.monotonic());
  }

  get away(): boolean {
    if (this.#awayAt.size === 0) return false;
    const now = this.#clock.monotonic();
    for (const [nodeId, at] of this.#awayAt) {
      if (now - at > believedMs) this.#awayAt.delete(nodeId);
    }
    return this.#awayAt.size > 0 && this.#awayAt.size >= this.#paymentNodes();
  }

  /**
   * The reason that a checkout which needs the provider begins with, if any. Throws
   * `payment-provider-unavailable` where such checkouts are refused.
   */
  reason(): typeof providerAway | undefined {
    if (!this.away) return undefined;
    if (this.#policy === 'queue') return providerAway;
    throw new UsherError(
      'payment-provider-unavailable',
      'Our payment provider cannot be reached: nothing was charged, try again in a moment',
      { retryAfterMs },
    );
  }

  #paymentNodes(): number {
    const services: readonly { readonly name: string }[] = this.#broker.registry.getServiceList({
      onlyAvailable: true,
    });
    return services.filter(({ name }) => name === 'payments').length;
  }
}

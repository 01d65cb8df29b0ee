import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { OutboxItem, OutboxStore } from '#adapters/store/outbox.port.ts';
import type { Message } from '#domain/booking-messages.ts';
import { limits } from '#domain/limits.ts';
import { UnderWay } from '#domain/under-way.ts';
import { repeated } from '#flows/repeated.ts';

export type RelayPorts = {
  readonly outbox: OutboxStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Resolves when the consumer has stored the message's effect. */
  readonly deliver: (message: Message) => Promise<void>;
  /** The last try has failed; the message is kept. Must not throw. */
  readonly gaveUp: (message: Message, error: unknown) => void;
};

/**
 * Relays an outbox to its consumers: at once when told by the writer, whose the message is for a
 * while, and by state each second, whoever wrote it and whatever died. At least once; the consumer
 * goes by the message's key. Any number of nodes side by side.
 */
export class OutboxRelay {
  readonly #ports: RelayPorts;
  readonly #running = new UnderWay();
  #stopSweep: () => void = () => {};
  #draining = false;

  constructor(ports: RelayPorts) {
    this.#ports = ports;
  }

  /** Sends what the caller has just written, or leaves it to the sweep. Does not wait. */
  relay(messages: readonly Message[]): void {
    this.#begin(messages, (message) => this.#send({ message, tries: 1 }));
  }

  start(): void {
    this.#stopSweep = repeated(this.#ports, limits.outboxSweepEveryMs, () => this.sweep());
  }

  /** Relays what is due, until nothing is or there is no room. */
  async sweep(): Promise<void> {
    const { outbox, clock } = this.#ports;
    for (let round = 0; round < 100 && !this.#draining; round++) {
      const keys = await outbox.dueMessages(clock.now(), limits.outboxAtOnceMax);
      if (keys.length === 0) return;
      this.#begin(keys, (key) => this.#take(key));
      await this.idle();
    }
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopSweep();
    await this.idle();
  }

  /** Resolves when what is being relayed now has been. */
  idle(): Promise<void> {
    return this.#running.settled();
  }

  #begin<T>(items: readonly T[], task: (item: T) => Promise<void>): void {
    for (const item of items) {
      if (this.#draining || this.#running.size >= limits.outboxAtOnceMax) return;
      // Where the store does not answer, the message is still open and comes again.
      this.#running.begin(() => task(item));
    }
  }

  async #take(key: string): Promise<void> {
    const { outbox, clock } = this.#ports;
    const now = clock.now();
    const item = await outbox.takeMessage(key, now, now + limits.stepRetryMs);
    if (item !== undefined) await this.#send(item);
  }

  async #send({ message, tries }: OutboxItem): Promise<void> {
    const { outbox, clock, deliver, gaveUp } = this.#ports;
    try {
      await deliver(message);
    } catch (error) {
      const wait = Math.min(limits.outboxSweepEveryMs * 2 ** tries, limits.outboxBackoffMaxMs);
      const last = tries >= limits.outboxTriesMax;
      await outbox.failed(message.key, String(error), last ? undefined : clock.now() + wait);
      if (last) gaveUp(message, error);
      return;
    }
    await outbox.done(message.key, clock.now());
  }
}

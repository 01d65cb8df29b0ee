import type { Clock } from '#adapters/clock/port.ts';
import type { EventChange, EventChanges } from '#adapters/store/event-changes.port.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';

export type EventChangesPorts = {
  readonly changes: EventChanges;
  readonly inventory: InventoryPort;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The packed layout of a chart's version. */
  layout(chartId: string, version: number): Promise<string>;
  /** Told of every failed try. */
  failed(eventId: string, change: EventChange, error: unknown): void;
};

/** How a caller's change stands when its wait is over. */
export type Settled =
  | { readonly applied: true; readonly skipped: readonly string[] }
  | { readonly applied: false };

/** Events that one sweep takes up; the next sweep takes the rest. */
const sweepMax = 100;
/** How often a waiting caller looks whether another node has sent its change. */
const lookAgainMs = 50;

/**
 * Sends the changes of events to their seats, strictly in order and one at a time: the next only
 * after the last was answered. A change is forgotten only when it was answered, so whoever starts
 * after a crash goes on with it; the seats take a version once, so sending twice does no harm.
 */
export class EventChangesFlow {
  readonly #ports: EventChangesPorts;
  readonly #running = new Map<string, Promise<void>>();

  constructor(ports: EventChangesPorts) {
    this.#ports = ports;
  }

  /** Sends what waits for one event, until nothing is due. Rejects with the first failure. */
  send(eventId: string): Promise<void> {
    const running = this.#running.get(eventId);
    if (running !== undefined) return running;
    const sending = this.#sendAll(eventId).finally(() => this.#running.delete(eventId));
    this.#running.set(eventId, sending);
    return sending;
  }

  /**
   * Sends until the seats have `version`, at most until `deadline` (epoch ms). Failures are tried
   * again within that time; after it the sweep goes on.
   */
  async settle(eventId: string, version: number, deadline: number): Promise<Settled> {
    const { changes, clock } = this.#ports;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(Math.max(0, deadline - clock.now()), late.resolve);
    try {
      while (clock.now() < deadline) {
        await Promise.race([this.send(eventId).catch(() => {}), late.promise]);
        const { applied, results } = await changes.progress(eventId);
        if (applied >= version) {
          const skipped = results.find((result) => result.version === version)?.skipped ?? [];
          return { applied: true, skipped };
        }
        await clock.sleep(lookAgainMs);
      }
      return { applied: false };
    } finally {
      cancel();
    }
  }

  /** Sends whatever is due, of any event; failures are deferred. */
  async sweep(): Promise<void> {
    const due = await this.#ports.changes.due(this.#ports.clock.now(), sweepMax);
    await Promise.allSettled(due.map((eventId) => this.send(eventId)));
  }

  async #sendAll(eventId: string): Promise<void> {
    const { changes, clock, limits } = this.#ports;
    for (;;) {
      const now = clock.now();
      const change = await changes.take(eventId, now, now + 2 * limits.callTimeoutMs);
      if (change === undefined) return;
      try {
        const skipped = await this.#send(eventId, change);
        await changes.done(eventId, { version: change.version, skipped }, clock.now());
      } catch (error) {
        this.#ports.failed(eventId, change, error);
        await changes.defer(eventId, clock.now() + retryAfterMs(error, limits));
        throw error;
      }
    }
  }

  async #send(eventId: string, change: EventChange): Promise<readonly string[]> {
    const { inventory, clock, limits, layout } = this.#ports;
    const { version } = change;
    const base = {
      id: `catalogue:${eventId}:${version}`,
      eventId,
      version,
      deadline: clock.now() + limits.callTimeoutMs,
    };
    if ('seats' in change) {
      const { kind, seats } = change;
      return (await inventory.execute({ ...base, kind, seats })).skipped;
    }
    const { kind, chartId, terms } = change;
    // Once open, the seats keep their layout as long as the chart's version stays.
    const packed = kind === 'open' ? await layout(chartId, terms.chartVersion) : '';
    await inventory.execute({ ...base, kind, terms: { ...terms, layout: packed } });
    return [];
  }
}

/** What may pass by itself is tried again soon; what needs a person, rarely. */
const retryAfterMs = (error: unknown, limits: Limits): number =>
  error instanceof UsherError && !error.retryable ? limits.stepRetryMs : limits.dueSweepEveryMs;

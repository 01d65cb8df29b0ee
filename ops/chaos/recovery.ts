import { setTimeout as sleep } from 'node:timers/promises';
import { Samples } from '#bench/support/stats.ts';
import type { History } from '#ops/chaos/history.ts';

/** An event whose owner went, and what was to be seen of it. */
type Loss = { readonly fault: string; readonly eventId: string; readonly at: number };

export type RecoveryRow = {
  readonly fault: string;
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Events that accepted nothing again within the watch. */
  readonly never: number;
};

const watchMs = 30_000;
const probeEveryMs = 100;

/**
 * From the moment an owner goes to the next reservation that is asked for after it and accepted.
 * While it watches an event, a probe asks every 100 ms.
 */
export class Recoveries {
  readonly #history: History;
  readonly #probe: (eventId: string) => Promise<void>;
  readonly #losses: Loss[] = [];
  readonly #watching = new Set<Promise<void>>();

  constructor(history: History, probe: (eventId: string) => Promise<void>) {
    this.#history = history;
    this.#probe = probe;
  }

  ownerGoes(fault: string, eventIds: readonly string[]): void {
    const at = this.#history.now();
    for (const eventId of eventIds) {
      const loss = { fault, eventId, at };
      this.#losses.push(loss);
      const watching = this.#watch(loss).finally(() => this.#watching.delete(watching));
      this.#watching.add(watching);
    }
  }

  /** Resolves when every watch has ended. */
  async seen(): Promise<void> {
    while (this.#watching.size > 0) await Promise.all(this.#watching);
  }

  async #watch(loss: Loss): Promise<void> {
    const probes: Promise<void>[] = [];
    const until = loss.at + watchMs * 1_000;
    while (this.#afterMs(loss) === undefined && this.#history.now() < until) {
      probes.push(this.#probe(loss.eventId));
      await sleep(probeEveryMs);
    }
    await Promise.all(probes);
  }

  /** Milliseconds until the first answer to somebody who asked after the loss. */
  #afterMs({ eventId, at }: Loss): number | undefined {
    const accepted = this.#history.acceptedOf(eventId);
    for (let i = accepted.length - 1, first: number | undefined; ; i--) {
      const one = accepted[i];
      if (one === undefined || one.at < at) {
        return first === undefined ? undefined : (first - at) / 1_000;
      }
      if (one.from >= at) first = one.at;
    }
  }

  table(): readonly RecoveryRow[] {
    return [...Map.groupBy(this.#losses, ({ fault }) => fault)].map(([fault, losses]) => {
      const samples = new Samples();
      for (const loss of losses) {
        const ms = this.#afterMs(loss);
        if (ms !== undefined) samples.add(ms);
      }
      return {
        fault,
        events: losses.length,
        p50Ms: samples.quantile(0.5),
        p99Ms: samples.quantile(0.99),
        never: losses.length - samples.count,
      };
    });
  }
}

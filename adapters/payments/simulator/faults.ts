import { z } from 'zod';
import type { Ids } from '#adapters/ids/port.ts';

const share = z.number().min(0).max(1);

/**
 * What goes wrong. Settable by configuration and at run time (`PUT /_simulator/faults`).
 * A rule hits a `share` of the requests of its operations, at most `times` times.
 */
export const faultsSchema = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        /** `payment_intents.confirm` …; absent: all. */
        operation: z.string().optional(),
        /**
         * `timeout`: no answer; `error`: 500; `rate-limit`: 429 with nothing done; `disconnect`:
         * the socket is closed. With `after`, the effect has happened all the same.
         */
        kind: z.enum(['timeout', 'error', 'rate-limit', 'disconnect']),
        after: z.boolean().default(false),
        share: share.default(1),
        times: z.int().min(1).optional(),
      }),
    )
    .max(50)
    .default([]),
  webhooks: z
    .strictObject({
      lost: share.default(0),
      doubled: share.default(0),
      late: share.default(0),
      lateMs: z.int().min(0).max(3_600_000).default(5_000),
      /** Held for a random time up to `reorderMs`, so that later ones overtake them. */
      reordered: share.default(0),
      reorderMs: z.int().min(0).max(60_000).default(1_000),
    })
    .prefault({}),
  /** Log-normal: half of the answers take less than `p50`, one in a hundred more than `p99`. */
  latencyMs: z
    .strictObject({ p50: z.number().min(0).max(60_000), p99: z.number().min(0).max(60_000) })
    .default({ p50: 0, p99: 0 }),
  /** How far the search lags behind, as Stripe's does. */
  searchLagMs: z.int().min(0).max(3_600_000).default(0),
});
export type FaultSettings = z.input<typeof faultsSchema>;
export type Faults = z.output<typeof faultsSchema>;
export type FaultRule = Faults['rules'][number];

/** 99 % of a standard normal distribution lies below. */
const z99 = 2.326;

/** The faults in force, and the dice. */
export class FaultPlan {
  readonly #ids: Ids;
  #faults: Faults;
  #left: number[];

  constructor(settings: FaultSettings, ids: Ids) {
    this.#ids = ids;
    this.#faults = faultsSchema.parse(settings);
    this.#left = this.#counts();
  }

  get faults(): Faults {
    return this.#faults;
  }

  /** Replaces all of them. */
  set(faults: Faults): void {
    this.#faults = faults;
    this.#left = this.#counts();
  }

  /** The fault that hits this request, counted as used. */
  strike(operation: string): FaultRule | undefined {
    return this.#faults.rules.find((rule, index) => {
      if (rule.operation !== undefined && rule.operation !== operation) return false;
      const left = this.#left[index] ?? 0;
      if (left <= 0 || !this.hits(rule.share)) return false;
      this.#left[index] = left - 1;
      return true;
    });
  }

  hits(chance: number): boolean {
    return chance > 0 && this.#ids.chance() < chance;
  }

  /** How long this answer takes. */
  latencyMs(): number {
    const { p50, p99 } = this.#faults.latencyMs;
    if (p50 === 0) return 0;
    const sigma = Math.log(Math.max(p99, p50) / p50) / z99;
    const radius = Math.sqrt(-2 * Math.log(1 - this.#ids.chance()));
    return p50 * Math.exp(sigma * radius * Math.cos(2 * Math.PI * this.#ids.chance()));
  }

  /** When a webhook goes out: the waits before each sending of it; none for a lost one. */
  webhookDelaysMs(): number[] {
    const { lost, doubled, late, lateMs, reordered, reorderMs } = this.#faults.webhooks;
    if (this.hits(lost)) return [];
    const wait = this.hits(late) ? lateMs : 0;
    const first = wait + (this.hits(reordered) ? this.#ids.chance() * reorderMs : 0);
    return this.hits(doubled) ? [first, first + this.#ids.chance() * 100] : [first];
  }

  #counts(): number[] {
    return this.#faults.rules.map((rule) => rule.times ?? Number.POSITIVE_INFINITY);
  }
}

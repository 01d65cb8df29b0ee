import type { Money } from '#domain/money.ts';
import type { Outcome, Problem } from '#domain/reconciliation.ts';

/** An intent that reconciliation looks at again; with `problem`, one that is amiss. */
export type Watched = {
  readonly intentId: string;
  readonly bookingId: string | null;
  readonly amount: Money;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly problem: Problem | undefined;
};

export type Finding = Watched & {
  readonly problem: Problem;
  /** Epoch ms at which it was first seen amiss. */
  readonly since: number;
  readonly outcome: Outcome;
  /** Why a remedy has failed. */
  readonly why?: string | undefined;
};

export type Remembered = { readonly intentId: string; readonly since: number };

export interface ReconciliationStore {
  /** How far earlier runs got (epoch ms); before the first, the oldest payment or `otherwise`. */
  upTo(otherwise: number): Promise<number>;
  reached(upTo: number): Promise<void>;
  /** Answers since when it is amiss (without a problem: known), epoch ms. */
  watch(intent: Watched): Promise<number>;
  settled(intentIds: readonly string[]): Promise<void>;
  /**
   * At most `limit` watched intents, those looked at longest ago first, and since when they have
   * been amiss.
   */
  watched(limit: number): Promise<readonly Remembered[]>;
}

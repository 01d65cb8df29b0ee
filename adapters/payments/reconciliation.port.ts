import type { Money } from '#domain/money.ts';

/** An intent that reconciliation looks at again; with `problem`, one that it reports. */
export type Watched = {
  readonly intentId: string;
  readonly bookingId: string | null;
  readonly amount: Money;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly problem: string | undefined;
};

export type Finding = Watched & {
  readonly problem: string;
  /** Epoch ms at which it was first seen amiss. */
  readonly since: number;
};

export interface ReconciliationStore {
  /** How far earlier runs got (epoch ms); before the first, the oldest payment or `otherwise`. */
  upTo(otherwise: number): Promise<number>;
  reached(upTo: number): Promise<void>;
  watch(intent: Watched): Promise<void>;
  settled(intentIds: readonly string[]): Promise<void>;
  /** Ids of at most `limit` watched intents, those looked at longest ago first. */
  watched(limit: number): Promise<string[]>;
  /** What is amiss now, oldest first, at most 1000. */
  findings(): Promise<Finding[]>;
}

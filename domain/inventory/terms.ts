import type { PriceTerms } from '#domain/pricing.ts';

/** Limits that an organizer may lower below `domain/limits.ts`. */
export type EventLimits = {
  readonly ticketsPerBuyer: number;
  readonly liveHoldsPerBuyer: number;
  readonly holdTtlMs: number;
};

/** `open` sells, `paused` refuses for now, `cancelled` and `ended` for good. */
export type SaleStatus = 'open' | 'paused' | 'cancelled' | 'ended';

/**
 * Everything outside the seats that a decision depends on. It reaches the actor only as the
 * commands `open` and `change-terms`, so that replay needs no other store.
 */
export type Terms = PriceTerms & {
  readonly chartVersion: number;
  /** `packLayout(layout)` of `domain/layout.ts`: the chart's places in index order. */
  readonly layout: string;
  readonly limits: EventLimits;
  readonly sale: {
    readonly status: SaleStatus;
    /** Epoch ms; null: at once / never. */
    readonly opensAt: number | null;
    readonly closesAt: number | null;
  };
  /**
   * Channels that may hold. The box office is not bound to `sale`: it sells until the event ends,
   * unless it is cancelled.
   */
  readonly channels: readonly ('public' | 'presale' | 'box-office')[];
  /** Epoch ms of the event's end: keys of the journal are kept until 7 days after it. */
  readonly endsAt: number;
};

import type { EventRow } from '#adapters/store/event-rows.ts';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { PriceChanges } from '#adapters/store/price-changes.ts';
import type { EventLimits } from '#domain/inventory/terms.ts';
import type { Limits } from '#domain/limits.ts';
import type { EventChangesFlow } from '#flows/event-changes.flow.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import type { EventEditor } from '#services/catalogue/event-editor.ts';
import type { SeatCounts } from '#services/catalogue/seat-counts.ts';
import type { SoldShares } from '#services/catalogue/sold-shares.ts';

/** What the catalogue's actions work with, from `started` on. */
export type CatalogueParts = {
  readonly runtime: Runtime;
  readonly events: MoleculerDbAdapter<EventRow>;
  readonly editor: EventEditor;
  readonly changes: EventChangesFlow;
  readonly counts: SeatCounts;
  readonly shares: SoldShares;
  readonly priceChanges: PriceChanges;
  readonly once: WithOnce['once'];
};

/** The system's limits that an event may lower. */
export const ceilingsOf = (limits: Limits): EventLimits => ({
  ticketsPerBuyer: limits.ticketsPerBuyerAndEvent,
  liveHoldsPerBuyer: limits.liveHoldsPerBuyerAndEvent,
  holdTtlMs: limits.holdTtlMs,
});

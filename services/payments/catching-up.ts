import type { Clock } from '#adapters/clock/port.ts';
import type { PaymentProvider, ProviderEvent } from '#adapters/payments/port.ts';
import type { CatchUpMark, WebhookReplay } from '#adapters/payments/replay.ts';
import type { PaymentStore } from '#adapters/payments/store.ts';
import { hasCode } from '#domain/errors.ts';

type Sources = {
  readonly clock: Clock;
  readonly provider: PaymentProvider;
  readonly store: PaymentStore;
  readonly replay: WebhookReplay;
};

/** Younger events are still on their way by themselves. */
const underWayMs = 30_000;
/** Runs overlap: the provider's clock is not ours, and a webhook is tried some time after. */
const overlapMs = 10 * 60_000;
/** The provider keeps events for so long. */
const keptMs = 30 * 24 * 3_600_000;
/** How far the very first run looks back. */
const firstMs = 24 * 3_600_000;
/** Below the 60 s of the action. */
const budgetMs = 40_000;
const wantedMax = 100;

/**
 * Stores events whose webhooks did not reach us, as if they had, so that one that never comes does
 * no harm: those that the provider knows to be undelivered, or, when asked for, all since a time.
 */
export async function catchUp(sources: Sources): Promise<{ taken: number; more: boolean }> {
  const { clock, provider, replay } = sources;
  const startedAt = clock.now();
  const mark = await replay.mark(startedAt - firstMs);
  const upTo = mark.runUpTo ?? startedAt - underWayMs;
  const from = Math.max(mark.upTo - overlapMs, startedAt - keptMs);
  let taken = await takeWanted(sources, mark);
  let cursor = mark.cursor;
  for (;;) {
    const page = await provider.events({ from, undelivered: mark.all !== true, cursor });
    const old = page.items.filter(({ createdAt }) => createdAt <= upTo);
    taken += await takeAll(sources.store, old);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
    await replay.paused(cursor, upTo);
    if (clock.now() - startedAt > budgetMs) return { taken, more: true };
  }
  await replay.reached(upTo, mark, taken);
  return { taken, more: false };
}

async function takeAll(store: PaymentStore, events: readonly ProviderEvent[]): Promise<number> {
  // Due at once: the next sweep of any node sees to it.
  return (await store.arrived(events, () => false, 0)).length;
}

async function takeWanted({ provider, store }: Sources, { wanted = [] }: CatchUpMark) {
  let taken = 0;
  for (const eventId of wanted.slice(0, wantedMax)) {
    try {
      taken += await takeAll(store, [await provider.event(eventId)]);
    } catch (error) {
      if (!hasCode(error, 'not-found')) throw error;
    }
  }
  return taken;
}

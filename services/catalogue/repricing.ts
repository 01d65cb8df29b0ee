import type { z } from 'zod';
import type { EventRow } from '#adapters/store/event-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import type { catalogueContract } from '#contracts/catalogue.contract.ts';
import { system } from '#domain/audit-acts.ts';
import { type PriceMove, priceMoves } from '#domain/dynamic-pricing.ts';
import { codeOf } from '#domain/errors.ts';
import { saleStateAt } from '#domain/event.ts';
import { money } from '#domain/money.ts';
import { owned } from '#mixins/organizer.ts';
import { termsChange } from '#services/catalogue/event-editor.ts';
import { type CatalogueParts, ceilingsOf } from '#services/catalogue/parts.ts';

type Actions = (typeof catalogueContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Events are looked at side by side, so many at a time. */
const atOnceMax = 8;

/**
 * `catalogue.reprice`: holds a page of the events that are on sale to their price rules. What
 * changes is written as an organizer's change is: a version of the event, an act, an entry of the
 * price history, and terms for its seats. An event that somebody else changes in this moment, or
 * whose seats cannot be reached, keeps its prices until the next round.
 */
export async function reprice(parts: CatalogueParts, ctx: Ctx<'reprice'>) {
  const { limit, cursor } = ctx.params;
  const filter = { 'pricing.0': { $exists: true }, status: 'published' } as const;
  const page = await parts.events.page({ filter, by: '_id', limit, cursor });
  const now = parts.runtime.clock.now();
  const open = page.items.filter((row) => saleStateAt(row, now) === 'on-sale');
  let changed = 0;
  let failed = 0;
  for (let at = 0; at < open.length; at += atOnceMax) {
    const some = open.slice(at, at + atOnceMax);
    const outcomes = await Promise.allSettled(some.map((row) => repriceEvent(parts, row)));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') changed += outcome.value;
      else {
        failed++;
        const code = codeOf(outcome.reason) ?? String(outcome.reason);
        ctx.broker.logger.warn('prices were not looked at', { eventId: some[i]?._id, code });
      }
    }
  }
  return { looked: open.length, changed, failed, nextCursor: page.nextCursor };
}

/** Answers how many prices changed. */
async function repriceEvent(parts: CatalogueParts, row: EventRow): Promise<number> {
  const { clock, config } = parts.runtime;
  const { chartId, chartVersion, startsAt, prices, pricing = [] } = row;
  const shares = await parts.shares.of({ eventId: row._id, chartId, chartVersion });
  const now = clock.now();
  const moves = priceMoves({ prices, pricing }, (category) => ({
    ...(shares.get(category) ?? { sold: 0, places: 0 }),
    startsAt,
    now,
  }));
  if (moves.length === 0) return 0;
  const next = { ...row, prices: pricesAfter(row, moves) };
  const written = await parts.editor.writeAs(system, row, {
    set: { prices: next.prices },
    act: { act: 'event.repriced', data: actData(moves) },
    change: termsChange('change-terms', next, ceilingsOf(config.limits)),
    moves,
  });
  // Sent now; where that fails, the sweep of changes sends it.
  const deadline = clock.now() + config.limits.callTimeoutMs;
  await parts.changes.settle(written._id, written.changesMade, deadline).catch(() => undefined);
  return moves.length;
}

const pricesAfter = ({ prices }: EventRow, moves: readonly PriceMove[]): EventRow['prices'] => {
  const to = new Map(moves.map((move) => [move.category, move.to]));
  return prices.map(({ category, amount }) => ({ category, amount: to.get(category) ?? amount }));
};

const actData = (moves: readonly PriceMove[]) => ({
  prices: moves.map(({ category, from, to, because }) => ({
    category,
    from,
    to,
    because: because.map(({ says }) => says),
  })),
});

/** `catalogue.priceHistory` */
export async function priceHistory(parts: CatalogueParts, ctx: Ctx<'priceHistory'>) {
  const { eventId, limit, cursor } = ctx.params;
  owned(ctx, await parts.events.findById(eventId));
  const { items, nextCursor } = await parts.priceChanges.page(eventId, limit, cursor);
  return {
    items: items.map(({ at, actor, version, currency, moves }) => ({
      at: new Date(at).toISOString(),
      by: actor,
      version,
      prices: moves.map(({ category, from, to, because }) => ({
        category,
        from: money(from, currency),
        to: money(to, currency),
        because: because.map((reason) => ({ ...reason })),
      })),
    })),
    nextCursor,
  };
}

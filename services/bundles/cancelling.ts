import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import { type BundleCancellation, cancelWhole } from '#domain/bundle-cancel.ts';
import { UsherError } from '#domain/errors.ts';
import { money } from '#domain/money.ts';
import { callerOf } from '#mixins/caller.ts';
import { type BundleDesk, type OrderDesk, ownBundle } from '#services/bundles/desk.ts';
import { stale } from '#services/bundles/reserving.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

const triesMax = 5;

/** `bundles.cancel`: all that is left of a bundle; each booking gives back by its own rules. */
export function cancelBundle(desk: BundleDesk, ctx: Ctx<'cancel'>): Promise<Result<'cancel'>> {
  const { bundleId } = ctx.params;
  const { userId } = callerOf(ctx);
  if (ctx.meta.idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  return desk.once(ctx, 'bundles.cancel', ctx.params, ({ ulid: key }) =>
    cancelOf(desk, () => ownBundle(desk, bundleId, userId), key),
  );
}

/** Cancels the bundle that `find` answers; `key` is the same for every run of a request. */
export async function cancelOf(
  desk: OrderDesk,
  find: () => Promise<Bundle>,
  key: string,
): Promise<Result<'cancel'>> {
  for (let i = 0; i < triesMax; i++) {
    const b = await find();
    const decision = await decide(desk, b, key);
    if (decision.kind === 'refused') {
      const { why, eventId } = decision;
      if (eventId === undefined) throw new UsherError('not-cancellable', why);
      throw new UsherError('not-cancellable', `${eventId}: ${why}`, { eventId });
    }
    const { change } = decision;
    if (change === undefined) return answer(b, decision);
    // A step of a flow was faster: decide again on what it made of the bundle.
    if ((await desk.ports.bundles.commit(change)) !== 'done') continue;
    desk.ports.bundleWatcher.changed(change);
    desk.worker.wake(b.bundleId);
    return answer(b, decision);
  }
  throw stale();
}

async function decide(desk: OrderDesk, b: Bundle, key: string): Promise<BundleCancellation> {
  const { bundles, store, clock } = desk.ports;
  const found = await bundles.bookings(b.bundleId);
  // Where the catalogue did not answer at checkout, what it says now holds.
  const bookings = await Promise.all(
    found.map(async (one): Promise<Booking> => {
      return one.event === undefined ? { ...one, event: await desk.events.of(one.eventId) } : one;
    }),
  );
  const tickets = await store.tickets(bookings.map(({ bookingId }) => bookingId));
  return cancelWhole(b, bookings, tickets, key, clock.now());
}

function answer(b: Bundle, decision: BundleCancellation): Result<'cancel'> {
  const amount = decision.kind === 'done' ? decision.amount : 0;
  return {
    bundleId: b.bundleId,
    status: decision.kind === 'done' ? 'cancelled' : 'cancel-requested',
    refund: {
      amount: money(amount, b.order?.quote.currency ?? ''),
      status: amount > 0 ? 'pending' : 'none',
    },
  };
}

import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import { type BundleCancellation, cancelWhole, type WholeWish } from '#domain/bundle-cancel.ts';
import { UsherError } from '#domain/errors.ts';
import { money } from '#domain/money.ts';
import { callerOf } from '#mixins/caller.ts';
import { previewCancellation } from '#services/bookings/cancelling.ts';
import { cancellationView } from '#services/bookings/view.ts';
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
    cancelOf(desk, () => ownBundle(desk, bundleId, userId), { key }),
  );
}

/**
 * `bundles.cancellation`: what `cancelBundle` would do now, each event by its own rules. Rejects with
 * `not-cancellable`, also while the payment runs.
 */
export async function previewBundle(
  desk: BundleDesk,
  ctx: Ctx<'cancellation'>,
): Promise<Result<'cancellation'>> {
  const { bundleId } = ctx.params;
  const b = await ownBundle(desk, bundleId, callerOf(ctx).userId);
  // No request has this key: what was cancelled before is not answered again.
  const decision = await decide(desk, b, { key: '' });
  if (decision.kind === 'refused') throw refusal(decision);
  if (decision.kind === 'requested') {
    throw new UsherError('not-cancellable', 'What it returns is known when its payment is settled');
  }
  const going = (decision.change?.members ?? []).map(({ booking }) => booking.bookingId);
  const bookings = await desk.ports.bundles.bookings(bundleId);
  const parts = { ...desk.ports, events: desk.events };
  const events = await Promise.all(
    bookings
      .filter((one) => going.includes(one.bookingId))
      .map(async (one) => ({
        eventId: one.eventId,
        ...cancellationView(await previewCancellation(parts, one, {})),
      })),
  );
  const sum = (of: 'refund' | 'kept') =>
    money(
      events.reduce((all, event) => all + event[of].amount, 0),
      b.order?.quote.currency ?? '',
    );
  return { bundleId, refund: sum('refund'), kept: sum('kept'), events };
}

/** Cancels the bundle that `find` answers; `wish` is the same for every run of a request. */
export async function cancelOf(
  desk: OrderDesk,
  find: () => Promise<Bundle>,
  wish: WholeWish,
): Promise<Result<'cancel'>> {
  for (let i = 0; i < triesMax; i++) {
    const b = await find();
    const decision = await decide(desk, b, wish);
    if (decision.kind === 'refused') throw refusal(decision);
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

function refusal({ why, eventId }: Extract<BundleCancellation, { kind: 'refused' }>): UsherError {
  if (eventId === undefined) return new UsherError('not-cancellable', why);
  return new UsherError('not-cancellable', `${eventId}: ${why}`, { eventId });
}

async function decide(desk: OrderDesk, b: Bundle, wish: WholeWish): Promise<BundleCancellation> {
  const { bundles, store, clock } = desk.ports;
  const found = await bundles.bookings(b.bundleId);
  // Where the catalogue did not answer at checkout, what it says now holds.
  const bookings = await Promise.all(
    found.map(async (one): Promise<Booking> => {
      return one.event === undefined ? { ...one, event: await desk.events.of(one.eventId) } : one;
    }),
  );
  const tickets = await store.tickets(bookings.map(({ bookingId }) => bookingId));
  return cancelWhole(b, bookings, tickets, wish, clock.now());
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

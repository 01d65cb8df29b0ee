import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import { type Booking, moved } from '#domain/booking.ts';
import { type Change, change } from '#domain/booking-moves.ts';
import { type Bundle, bundleMoved } from '#domain/bundle.ts';
import { type BundleChange, bundleChange, withOrder } from '#domain/bundle-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { UsherError } from '#domain/errors.ts';
import { money } from '#domain/money.ts';
import { callerOf } from '#mixins/caller.ts';
import { type BundleDesk, ownBundle } from '#services/bundles/desk.ts';
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
  return desk.once(ctx, 'bundles.cancel', ctx.params, async ({ ulid: key }) => {
    for (let i = 0; i < triesMax; i++) {
      const b = await ownBundle(desk, bundleId, userId);
      const before = b.cancels.find((one) => one.key === key);
      if (before !== undefined) return answer(b, before.amount);
      const { order } = b;
      if (order === undefined) {
        throw new UsherError('not-cancellable', 'It was not ordered: release it');
      }
      if (isOver(order)) throw new UsherError('not-cancellable', `It is ${order.status}`);
      const running = order.status !== 'confirmed';
      if (running && order.cancelRequested) return requested(b);
      const wish = running ? wished(b, order, desk) : await cancelled(b, key, desk);
      if ((await desk.ports.bundles.commit(wish)) !== 'done') continue;
      desk.ports.bundleWatcher.changed(wish);
      if (!running) return answer(b, wish.bundle.cancels.at(-1)?.amount ?? 0);
      desk.worker.wake(bundleId);
      return requested(b);
    }
    throw stale();
  });
}

const isOver = ({ status }: Booking): boolean =>
  status === 'expired' || status === 'cancelled' || status === 'refunded';

/** While a payment runs the wish is recorded; the flow grants it as soon as it has settled. */
function wished(b: Bundle, order: Booking, { ports }: BundleDesk): BundleChange {
  const now = ports.clock.now();
  const next = moved(order, { cancelRequested: true, tries: order.tries, dueAt: now }, now);
  return withOrder(b, change(order, next), now);
}

/** All bookings that still have tickets, in one transaction: all of them or none. */
async function cancelled(b: Bundle, key: string, desk: BundleDesk): Promise<BundleChange> {
  const { ports } = desk;
  const now = ports.clock.now();
  const bookings = await ports.bundles.bookings(b.bundleId);
  const members: Change[] = [];
  let amount = 0;
  for (const booking of bookings.filter((one) => !isOver(one))) {
    const tickets = await ports.store.tickets([booking.bookingId]);
    const event = booking.event ?? (await desk.events.of(booking.eventId));
    const decision = cancel({ ...booking, event }, tickets, { key }, now);
    if (decision.kind !== 'done') {
      const why = decision.kind === 'refused' ? decision.why : 'Its payment is being settled';
      const { eventId, bookingId } = booking;
      throw new UsherError('not-cancellable', `${eventId}: ${why}`, { eventId, bookingId });
    }
    // The bookings' own flow goes on at once.
    const next = { ...decision.change.booking, dueAt: now };
    members.push({ ...decision.change, booking: next });
    amount += decision.amount;
  }
  if (members.length === 0) throw new UsherError('not-cancellable', 'All of it is cancelled');
  const cancels = [...b.cancels, { key, amount }];
  return bundleChange(b, bundleMoved(b, { cancels }, now), { members });
}

const currencyOf = (b: Bundle): string => b.order?.quote.currency ?? '';

const answer = (b: Bundle, amount: number): Result<'cancel'> => ({
  bundleId: b.bundleId,
  status: 'cancelled',
  refund: { amount: money(amount, currencyOf(b)), status: amount > 0 ? 'pending' : 'none' },
});

const requested = (b: Bundle): Result<'cancel'> => ({
  bundleId: b.bundleId,
  status: 'cancel-requested',
  refund: { amount: money(0, currencyOf(b)), status: 'none' },
});

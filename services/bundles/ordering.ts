import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import { retried } from '#domain/booking-moves.ts';
import { type Bundle, heldParts } from '#domain/bundle.ts';
import { type BundleChange, bundleOrdered, withOrder } from '#domain/bundle-moves.ts';
import { decideCheckout, invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import { payingOf } from '#services/bookings/paying.ts';
import { type BundleDesk, type OrderDesk, ownBundle } from '#services/bundles/desk.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bundles.checkout`: begins the order, or another attempt after a decline. */
export function orderBundle(desk: BundleDesk, ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> {
  const { bundleId, payment, equalSeats, attendees } = ctx.params;
  const { userId } = callerOf(ctx);
  const key = ctx.meta.idempotencyKey;
  if (key === undefined) throw new UsherError('idempotency-key-required');
  return desk.once(ctx, 'bundles.checkout', ctx.params, async () => {
    if (!desk.worker.hasRoom) throw new UsherError('overloaded', undefined, soon);
    const b = await ownBundle(desk, bundleId, userId);
    const names = attendees.map(({ name }) => name);
    const wish = { key, ...payingOf(payment), equalSeats, attendees: names };
    const ordered = await beginOrder(desk, b, wish);
    reply(ctx, { headers: { Location: `/v1/bundle-orders/${bundleId}` } });
    return {
      bundleId,
      status: ordered.order?.status ?? 'pending',
      bookings: b.members.map((member) => ({
        eventId: member.eventId,
        bookingId: member.bookingId,
      })),
    };
  });
}

const soon = { retryAfterSeconds: 1 };

type Wish = Parameters<typeof bundleOrdered>[1];

/** Begins the order of what a bundle holds, or another attempt; its flow then runs by itself. */
export async function beginOrder(desk: OrderDesk, b: Bundle, wish: Wish): Promise<Bundle> {
  const { clock } = desk.ports;
  if (b.order !== undefined) {
    if (decideCheckout(b.order, wish.key) === 'same') return b;
    assertPayable(b, wish);
    const now = clock.now();
    return written(desk, b, withOrder(b, retried(b.order, wish, now), now));
  }
  if (b.step !== 'held' || clock.now() >= b.deadline) {
    if (b.step === 'hold') throw new UsherError('not-found', 'Its events are not held yet');
    const released = b.step !== 'held' && b.reason !== 'reservation-expired';
    throw new UsherError(released ? 'reservation-released' : 'reservation-expired');
  }
  assertPayable(b, wish);
  const events = await Promise.all(b.members.map(({ eventId }) => desk.events.of(eventId)));
  return written(desk, b, bundleOrdered(b, wish, events, clock.now()));
}

function assertPayable(b: Bundle, { token, byBrowser, attendees }: Wish): void {
  const total = heldParts(b).reduce((sum, { quote }) => sum + quote.total, 0);
  if (total > 0 && token === undefined && byBrowser !== true) {
    throw invalid('payment', 'is required: it costs something');
  }
  if (attendees.length > b.quantity) {
    throw invalid('attendees', `at most one for each of the ${b.quantity} seats of an event`);
  }
}

async function written({ ports, worker }: OrderDesk, b: Bundle, change: BundleChange) {
  const result = await ports.bundles.commit(change);
  if (result === 'exists') {
    throw new UsherError('already-booked', 'One of its reservations was booked by itself');
  }
  // Another checkout was faster, or its time has run out in this very moment.
  if (result !== 'done') throw new UsherError('checkout-in-progress', undefined, { ...soon });
  ports.bundleWatcher.changed(change);
  worker.run(change.bundle);
  return { ...b, ...change.bundle };
}

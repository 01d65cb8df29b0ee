import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import { cardTotal } from '#domain/bill.ts';
import type { Booking } from '#domain/booking.ts';
import { type CheckoutWish, retried } from '#domain/booking-moves.ts';
import type { Bundle } from '#domain/bundle.ts';
import { type BundleChange, bundleOrdered, withOrder } from '#domain/bundle-moves.ts';
import { bundlePrice } from '#domain/bundle-price.ts';
import { assertSameOffers, decideCheckout, invalid } from '#domain/checkout.ts';
import type { Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { money } from '#domain/money.ts';
import { callerOf } from '#mixins/caller.ts';
import { assertOffersTaken, offersBehind } from '#services/bookings/offers.ts';
import { payingOf } from '#services/bookings/paying.ts';
import { voucherOf } from '#services/bookings/view.ts';
import { priceOf } from '#services/bundles/bundle-view.ts';
import { type BundleDesk, type OrderDesk, ownBundle } from '#services/bundles/desk.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bundles.checkout`: begins the order, or another attempt after a decline. */
export function orderBundle(desk: BundleDesk, ctx: Ctx<'checkout'>): Promise<Result<'checkout'>> {
  const { bundleId, payment, equalSeats, attendees, promoCode, voucher } = ctx.params;
  const { userId } = callerOf(ctx);
  const key = ctx.meta.idempotencyKey;
  if (key === undefined) throw new UsherError('idempotency-key-required');
  return desk.once(ctx, 'bundles.checkout', ctx.params, async () => {
    if (!desk.worker.hasRoom) throw new UsherError('overloaded', undefined, soon);
    const b = await ownBundle(desk, bundleId, userId);
    const names = attendees.map(({ name }) => name);
    const codes = { promoCode, voucher };
    const wish = { key, ...payingOf(payment), equalSeats, attendees: names, ...codes };
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

/** `bundles.quote`: the very price that a checkout with these codes would begin with now. */
export async function quoteBundle(desk: BundleDesk, ctx: Ctx<'quote'>): Promise<Result<'quote'>> {
  const { bundleId, ...codes } = ctx.params;
  const b = await ownBundle(desk, bundleId, callerOf(ctx).userId);
  if (b.order !== undefined) throw new UsherError('already-booked', undefined, { bundleId });
  const { clock } = desk.ports;
  assertHeld(b, clock.now());
  const { whole, parts } = bundlePrice(b, await offersFor(desk, b, codes), clock.now());
  const { currency } = whole.quote;
  return {
    bundleId,
    price: priceOf(b, whole, currency),
    events: b.members.map(({ eventId }, i) => ({
      eventId,
      total: money(parts[i]?.quote.total ?? 0, currency),
    })),
    ...voucherOf(whole, currency),
    toPay: money(cardTotal(whole), currency),
    expiresAt: new Date(b.deadline).toISOString(),
  };
}

/**
 * Begins the order of what a bundle holds, or another attempt; its flow then runs by itself. What
 * is refused is looked at again: this very request may have been taken meanwhile, with its code.
 */
export async function beginOrder(desk: OrderDesk, b: Bundle, wish: CheckoutWish): Promise<Bundle> {
  try {
    return await accepted(desk, b, wish);
  } catch (refusal) {
    const now = await desk.ports.bundles.find(b.bundleId);
    const known = now?.order?.attempts.some(({ key }) => key === wish.key);
    if (now === undefined || known !== true) throw refusal;
    return now;
  }
}

async function accepted(desk: OrderDesk, b: Bundle, wish: CheckoutWish): Promise<Bundle> {
  const { clock } = desk.ports;
  if (b.order !== undefined) return anotherAttempt(desk, b, b.order, wish);
  assertHeld(b, clock.now());
  const terms = bundlePrice(b, await offersFor(desk, b, wish), clock.now());
  assertPayable(b, wish, cardTotal(terms.whole));
  const events = await Promise.all(b.members.map(({ eventId }) => desk.events.of(eventId)));
  return written(desk, b, bundleOrdered(b, wish, events, clock.now(), terms), wish);
}

async function anotherAttempt(desk: OrderDesk, b: Bundle, order: Booking, wish: CheckoutWish) {
  if (decideCheckout(order, wish) === 'same') return b;
  assertSameOffers(order, wish, await offersFor(desk, b, wish));
  assertPayable(b, wish, cardTotal(order));
  const now = desk.ports.clock.now();
  return written(desk, b, withOrder(b, retried(order, wish, now), now), wish);
}

/** All of its events are held for it now. */
function assertHeld(b: Bundle, now: number): void {
  if (b.step === 'held' && now < b.deadline) return;
  if (b.step === 'hold') throw new UsherError('not-found', 'Its events are not held yet');
  const released = b.step !== 'held' && b.reason !== 'reservation-expired';
  throw new UsherError(released ? 'reservation-released' : 'reservation-expired');
}

/** What stands behind the codes: all of its events are one organizer's. */
const offersFor = (
  { offers }: OrderDesk,
  { buyerId, members }: Bundle,
  { promoCode, voucher }: Pick<CheckoutWish, 'promoCode' | 'voucher'>,
): Promise<Offers> =>
  offersBehind(offers, { eventId: members[0]?.eventId ?? '', buyerId, promoCode, voucher });

/** `due` is what is left for a card, minor units. */
function assertPayable(b: Bundle, wish: CheckoutWish, due: number): void {
  const { token, byBrowser, attendees } = wish;
  if (due > 0 && token === undefined && byBrowser !== true) {
    throw invalid('payment', 'is required: it costs something');
  }
  if (attendees.length > b.quantity) {
    throw invalid('attendees', `at most one for each of the ${b.quantity} seats of an event`);
  }
}

async function written(desk: OrderDesk, b: Bundle, change: BundleChange, wish: CheckoutWish) {
  const { ports, worker } = desk;
  const result = await ports.bundles.commit(change);
  await assertOffersTaken(result, async () =>
    bundlePrice(b, await offersFor(desk, b, wish), ports.clock.now()),
  );
  if (result === 'exists') {
    throw new UsherError('already-booked', 'One of its reservations was booked by itself');
  }
  // Another checkout was faster, or its time has run out in this very moment.
  if (result !== 'done') throw new UsherError('checkout-in-progress', undefined, { ...soon });
  ports.bundleWatcher.changed(change);
  worker.run(change.bundle);
  return { ...b, ...change.bundle };
}

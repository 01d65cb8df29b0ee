import { cardTotal } from '#domain/bill.ts';
import type { Booking } from '#domain/booking.ts';
import {
  type BookingTerms,
  type CheckoutWish,
  openBooking,
  opening,
  retried,
} from '#domain/booking-moves.ts';
import {
  assertHeld,
  assertSameOffers,
  assertWish,
  decideCheckout,
  invalid,
} from '#domain/checkout.ts';
import { checkoutPrice, type Offers } from '#domain/checkout-price.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf, makeScopedId } from '#domain/ids.ts';
import { planned } from '#domain/instalment-plan.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import type { Desk } from '#services/bookings/desk.ts';
import type { ChosenPlan } from '#services/bookings/instalments.ts';
import { assertOffersTaken, offersBehind } from '#services/bookings/offers.ts';

export type CheckoutRequest = {
  readonly reservationId: string;
  readonly buyerId: string;
  readonly wish: CheckoutWish;
  /** The plan that the buyer chose; undefined: all is paid at once. */
  readonly plan: () => Promise<ChosenPlan | undefined>;
  /** The same for every run of this request: own part of the booking's id. */
  readonly ulid: string;
  /** Epoch ms. */
  readonly deadline: number;
};

/** `replayed`: this very request was accepted before. */
export type Accepted = { readonly booking: Booking; readonly replayed: boolean };

/**
 * Begins the booking of a hold, or another attempt after a decline; its flow then runs by itself.
 * 404, 409 and 410 are decided here, before anything is written.
 *
 * The booking remembers the keys of its checkouts: written once under each key, it is the record of
 * the request as well, and there is no other. So what is refused is looked up by its key: it may
 * have been accepted before.
 */
export async function checkout(desk: Desk, request: CheckoutRequest): Promise<Accepted> {
  const { buyerId, wish } = request;
  if (!desk.worker.hasRoom) throw new UsherError('overloaded', undefined, { retryAfterSeconds: 1 });
  try {
    return await accept(desk, request);
  } catch (refusal) {
    const known = await desk.store.findByKey(buyerId, wish.key);
    if (known === undefined) throw refusal;
    decideCheckout(known, wish);
    return { booking: known, replayed: true };
  }
}

/**
 * Mostly there is no booking yet: that one stands is told by the insertion of another. And that a
 * hold is there needs no proof: pinning it is the first thing that the flow of its booking does.
 */
async function accept(desk: Desk, request: CheckoutRequest): Promise<Accepted> {
  const hold = await readHold(desk, request, { unproven: true });
  try {
    return { booking: await begin(desk, request, hold), replayed: false };
  } catch (refusal) {
    const existing = await desk.store.findActive(request.reservationId);
    if (existing === undefined) throw refusal;
    return goOn(desk, request, hold, existing);
  }
}

/** Writes the booking; throws where that is refused. */
async function begin(desk: Desk, request: CheckoutRequest, hold: HoldView): Promise<Booking> {
  const { wish, ulid } = request;
  assertHeld(hold);
  const now = desk.clock.now();
  const price = async (at: number) => checkoutPrice(hold, await offersFor(desk, hold, request), at);
  const terms = inParts(await price(now), await request.plan(), now);
  assertWish(hold, wish, cardTotal(terms));
  const waits = waitsFor(desk, cardTotal(terms));
  const event = await desk.events.of(hold.eventId);
  const bookingId = makeScopedId('booking', hold.eventId, ulid);
  const opened = openBooking(bookingId, hold, kept(wish, terms), event, desk.clock.now(), terms);
  const booking = { ...opening(opened), ...waits };
  const result = await desk.store.insert(booking);
  await assertOffersTaken(result, () => price(desk.clock.now()));
  if (result !== 'inserted') throw takenId(request.reservationId);
  desk.worker.run(booking);
  return booking;
}

/** A reservation has one booking: what another checkout of it comes to. */
async function goOn(
  desk: Desk,
  request: CheckoutRequest,
  hold: HoldView,
  existing: Booking,
): Promise<Accepted> {
  const { buyerId, wish } = request;
  if (existing.buyerId !== buyerId) throw new UsherError('not-found');
  if (decideCheckout(existing, wish) === 'same') return { booking: existing, replayed: true };
  assertHeld(hold, existing.bookingId);
  assertSameOffers(existing, wish, await offersFor(desk, hold, request));
  assertWish(hold, wish, cardTotal(existing));
  const waits = waitsFor(desk, cardTotal(existing));
  const change = retried({ ...existing, ...waits }, kept(wish, existing), desk.clock.now());
  // The decline's time may have run out in this very moment, or another checkout was faster.
  if ((await desk.store.commit(change)) !== 'done') throw new UsherError('checkout-in-progress');
  desk.worker.run(change.booking);
  return { booking: change.booking, replayed: false };
}

/** What stands behind the codes of the wish. */
const offersFor = (
  { offers }: Desk,
  { eventId }: HoldView,
  { buyerId, wish: { promoCode, voucher } }: CheckoutRequest,
): Promise<Offers> => offersBehind(offers, { eventId, buyerId, promoCode, voucher });

/** What a booking that cards pay begins with while the provider is away; may refuse it. */
function waitsFor(desk: Desk, total: number): { readonly reason?: string } {
  const reason = total === 0 ? undefined : desk.provider.reason();
  return reason === undefined ? {} : { reason };
}

/** The terms of a checkout with the plan that the buyer chose. Throws `invalid-request`. */
function inParts(terms: BookingTerms, chosen: ChosenPlan | undefined, now: number): BookingTerms {
  if (chosen === undefined) return terms;
  const divided = planned(terms, chosen.plan, now, chosen.startsAt);
  if ('refused' in divided) throw invalid('payment.plan', divided.refused);
  return divided;
}

/** The card of a booking that is paid in parts is kept for the rest. */
const kept = (wish: CheckoutWish, { bill }: Pick<BookingTerms, 'bill'>): CheckoutWish =>
  bill?.plan === undefined || wish.saved === true ? wish : { ...wish, save: true };

/** The id is made from the key: it was used for a booking that has ended since. */
const takenId = (reservationId: string): UsherError =>
  new UsherError('idempotency-key-reused', 'This key began another booking', { reservationId });

/** Reads the caller's own hold. `ulid` names the request; `unproven`: see the command. */
export function readHold(
  desk: Desk,
  request: Pick<CheckoutRequest, 'reservationId' | 'buyerId' | 'ulid' | 'deadline'>,
  how: { readonly unproven?: true } = {},
): Promise<HoldView> {
  const { reservationId, buyerId, ulid, deadline } = request;
  const eventId = eventIdOf(reservationId);
  if (eventId === undefined) throw new UsherError('not-found');
  return desk.inventory.execute<'read-hold'>({
    kind: 'read-hold',
    id: `read:${ulid}`,
    eventId,
    deadline,
    holdId: reservationId,
    buyerId,
    ...how,
  });
}

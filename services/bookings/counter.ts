import type { z } from 'zod';
import type { BookingView, bookingsContract } from '#contracts/bookings.contract.ts';
import type { Booking } from '#domain/booking.ts';
import type { BookingTerms } from '#domain/booking-moves.ts';
import { counterBooking, counterPrice, paidOut } from '#domain/box-office.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf, makeScopedId } from '#domain/ids.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { cancelBooking } from '#services/bookings/cancelling.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { assertOffersTaken, offersBehind } from '#services/bookings/offers.ts';
import { readBooking } from '#services/bookings/reading.ts';

type Actions = (typeof bookingsContract)['actions'];
type Params<K extends keyof Actions> = z.output<Actions[K]['params']>;

type Ctx<K extends keyof Actions> = { readonly params: Params<K> };

const triesMax = 5;
/** A sale is answered after this time at the latest, finished or not. */
const answerMs = 1_500;

/** Actions of the bookings service that the box office asks for. */
export const counterSaleActions = (desk: () => Desk) => ({
  openSale: ({ params }: Ctx<'openSale'>) =>
    openSale(desk(), params, desk().clock.now() + answerMs),
  sale: ({ params }: Ctx<'sale'>) => readSale(desk(), params.bookingId, params.wait * 1_000),
  cancelSale: ({ params }: Ctx<'cancelSale'>) => cancelSale(desk(), params),
  paidOut: ({ params }: Ctx<'paidOut'>) => payOut(desk(), params),
});

/**
 * `bookings.openSale`: the booking of a hold of the box office, answered when it has its tickets or
 * at `until` (epoch ms). Run again, it meets the booking that the first run wrote.
 */
async function openSale(
  desk: Desk,
  params: Params<'openSale'>,
  until: number,
): Promise<BookingView> {
  const { reservationId, buyerId, ulid } = params;
  if (!desk.worker.hasRoom) throw new UsherError('overloaded', undefined, { retryAfterSeconds: 1 });
  const eventId = eventIdOf(reservationId);
  if (eventId === undefined) throw new UsherError('not-found');
  const bookingId = makeScopedId('booking', eventId, ulid);
  if ((await desk.store.find(bookingId)) === undefined) {
    const hold = await desk.inventory.execute<'read-hold'>({
      kind: 'read-hold',
      id: `read:${ulid}`,
      eventId,
      deadline: until,
      holdId: reservationId,
      buyerId,
    });
    await begin(desk, bookingId, hold, params).catch(async (error: unknown) => {
      // Another run of this request was faster, and took what this one was refused.
      if ((await desk.store.find(bookingId)) === undefined) throw error;
    });
  }
  return readSale(desk, bookingId, Math.max(0, until - desk.clock.now()));
}

/** Writes the booking with what it takes of the buyer's codes; throws where they are refused. */
async function begin(
  desk: Desk,
  bookingId: string,
  hold: HoldView,
  { promoCode, voucher, usedBy, ...sale }: Params<'openSale'>,
): Promise<void> {
  const { eventId, buyerId } = hold;
  const wanted = { eventId, buyerId: usedBy ?? buyerId, promoCode, voucher };
  const price = async (): Promise<BookingTerms> =>
    counterPrice(hold, await offersBehind(desk.offers, wanted), usedBy, desk.clock.now());
  const terms = await price();
  const event = await desk.events.of(eventId);
  const booking = counterBooking(bookingId, hold, sale, event, desk.clock.now(), terms);
  const result = await desk.store.insert(booking);
  await assertOffersTaken(result, price);
  if (result === 'inserted') desk.worker.run(booking);
}

/** A booking that was sold over the counter; any other is not there. */
async function counterSale(desk: Desk, bookingId: string): Promise<Booking> {
  const found = await desk.store.find(bookingId);
  if (found?.bill?.counter === undefined) throw new UsherError('not-found');
  return found;
}

/** `bookings.sale`: waits at most `waitMs` for the end of what is under way. */
async function readSale(desk: Desk, bookingId: string, waitMs: number): Promise<BookingView> {
  const { buyerId } = await counterSale(desk, bookingId);
  return readBooking(desk, { bookingId, buyerId, waitMs, from: undefined });
}

/** `bookings.cancelSale` */
async function cancelSale(desk: Desk, params: Params<'cancelSale'>): Promise<BookingView> {
  const { bookingId, tickets: ticketIds, staffId: by, key } = params;
  const find = () => counterSale(desk, bookingId);
  await cancelBooking(desk, find, { ticketIds, key, by });
  return readSale(desk, bookingId, 0);
}

/** `bookings.paidOut`; repeating it changes nothing. */
async function payOut(desk: Desk, params: Params<'paidOut'>): Promise<BookingView> {
  const { bookingId, no, staffId } = params;
  for (let tries = 0; tries < triesMax; tries++) {
    const b = await counterSale(desk, bookingId);
    const change = paidOut(b, no, staffId, desk.clock.now());
    if (change === undefined) return readSale(desk, bookingId, 0);
    // The flow that gives the seats back was faster: the same again on what it made of it.
    if ((await desk.store.commit(change)) !== 'done') continue;
    desk.relay.relay(change.messages);
    // Its flow has still to give back seats or a voucher's part, and this write was before its next.
    if (change.booking.step !== 'done') desk.worker.run(change.booking);
    return readSale(desk, bookingId, 0);
  }
  throw new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });
}

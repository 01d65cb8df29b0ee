import type { CommandOf, SellRefusal, SellReply } from '#domain/inventory/commands.ts';
import { accept, type Decision } from '#domain/inventory/decision.ts';
import { equalPlaces } from '#domain/inventory/equal-seats.ts';
import { expiredFact } from '#domain/inventory/expiry.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { idOf, placeOf, seatRefs } from '#domain/inventory/places.ts';
import { type EventState, type Hold, holdOn, isOverdue, status } from '#domain/inventory/state.ts';
import { limits } from '#domain/limits.ts';
import type { Quote } from '#domain/pricing.ts';

type Sell = CommandOf<'sell'>;

const sold = (state: EventState, places: readonly number[], quote: Quote): SellReply => ({
  outcome: 'sold',
  seats: seatRefs(state.places, places),
  places,
  quote,
});

/**
 * Exactly one durable answer per booking, `sold` or `sell-refused`; asked again, the same without
 * a fact. A live hold is sold as it is. A pinned one whose deadline has passed is retaken if all
 * its seats are free and the buyer's limit allows; else, with `equalSeats`, equal ones are taken.
 * Reasons of a refusal: cancelled, released, unknown-hold, expired (never pinned, or no longer),
 * seats-taken (or over the limit). Never answers with an error.
 */
export function decideSell(state: EventState, command: Sell, now: number): Decision<'sell'> {
  const { bookingId, holdId } = command;
  const sale = state.sales.ofBooking(bookingId);
  if (sale >= 0) return accept(sold(state, state.sales.placesOf(sale), state.sales.quoteOf(sale)));
  const reason = state.sales.refusalOf(bookingId);
  if (reason !== undefined) return accept({ outcome: 'refused', reason });
  if (state.terms?.sale.status === 'cancelled') return refuseSale(command, 'cancelled');
  const live = state.holds.get(holdId);
  if (live !== undefined && !isOverdue(live, now)) return sell(state, command, live, live.places);
  if (live !== undefined) {
    const facts = [expiredFact(live)];
    if (live.pinnedBy === null) return refuseSale(command, 'expired', facts);
    return retake(state, command, live, now, facts);
  }
  const lapsed = state.lapsed.get(holdId);
  if (lapsed !== undefined) return retake(state, command, lapsed, now, []);
  return refuseSale(command, state.ended.find(holdId)?.how ?? 'unknown-hold');
}

function sell(
  state: EventState,
  { bookingId, paymentId }: Sell,
  hold: Hold,
  places: readonly number[],
  before: readonly Fact[] = [],
): Decision<'sell'> {
  const fact: Fact = {
    type: 'sold',
    booking: bookingId,
    hold: hold.id,
    payment: paymentId,
    buyer: hold.buyerId,
    places,
    quote: hold.quote,
  };
  return accept(sold(state, places, hold.quote), [...before, fact]);
}

const refuseSale = (
  { bookingId, holdId }: Sell | CommandOf<'unsell'>,
  reason: SellRefusal,
  before: readonly Fact[] = [],
): Decision<'sell'> =>
  accept({ outcome: 'refused', reason }, [
    ...before,
    { type: 'sell-refused', booking: bookingId, hold: holdId, reason },
  ]);

/** Sells a pinned hold that is over: its own places if all are free, else equal ones. */
function retake(
  state: EventState,
  command: Sell,
  hold: Hold,
  now: number,
  before: readonly Fact[],
): Decision<'sell'> {
  const counted = before.length > 0 ? hold.places.length : 0;
  const tickets = state.buyers.tickets(hold.buyer) - counted + hold.places.length;
  const own = Math.min(state.terms?.limits.ticketsPerBuyer ?? 0, limits.ticketsPerBuyerAndEvent);
  if (tickets > (hold.channel === 'box-office' ? limits.boxOfficePlacesMax : own)) {
    return refuseSale(command, 'seats-taken', before);
  }
  const ended = new Set<Hold>();
  const free = (place: number): boolean => {
    if (state.status[place] === status.available) return true;
    const holder = holdOn(state, place);
    return holder !== undefined && isOverdue(holder, now) && state.places.removed[place] !== 1;
  };
  const take = hold.places.every(free)
    ? hold.places
    : command.equalSeats
      ? equalPlaces(state, hold, free)
      : undefined;
  for (const place of take ?? []) {
    const holder = holdOn(state, place);
    if (holder !== undefined && holder !== hold) ended.add(holder);
  }
  const facts = [...before, ...[...ended].map(expiredFact)];
  if (take === undefined) return refuseSale(command, 'seats-taken', facts);
  return sell(state, command, hold, take, facts);
}

/**
 * Gives back those of the named seats (all when none are named) that this booking's sale still
 * has; may be repeated. A booking without an answer gets `sell-refused` for good, which ends its
 * pin, so that a late `sell` finds it.
 */
export function decideUnsell(state: EventState, command: CommandOf<'unsell'>): Decision<'unsell'> {
  const { bookingId, seats, block = false } = command;
  const sale = state.sales.ofBooking(bookingId);
  if (sale < 0) {
    if (state.sales.refusalOf(bookingId) !== undefined) return accept({ returned: [] });
    return accept({ returned: [] }, refuseSale(command, 'cancelled').facts);
  }
  const named = seats && new Set(seats.map((id) => placeOf(state.places, id)));
  const places = state.sales
    .placesOf(sale)
    .filter((place) => state.owners[place] === -(sale + 1) && (named?.has(place) ?? true));
  const returned = places.map((place) => idOf(state.places, place));
  if (places.length === 0) return accept({ returned });
  return accept({ returned }, [{ type: 'unsold', booking: bookingId, places, blocked: block }]);
}

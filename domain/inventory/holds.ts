import type { HoldView } from '#domain/inventory/commands.ts';
import { type Refusal, refuse } from '#domain/inventory/decision.ts';
import type { Ending } from '#domain/inventory/ended.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { seatRefs } from '#domain/inventory/places.ts';
import type { EventState, Hold } from '#domain/inventory/state.ts';

/** A live hold as its buyer sees it. */
export const viewOf = (state: EventState, hold: Hold): HoldView => ({
  holdId: hold.id,
  eventId: state.eventId,
  buyerId: hold.buyerId,
  status: 'held',
  seats: seatRefs(state.places, hold.places),
  quote: hold.quote,
  createdAt: hold.createdAt,
  deadline: hold.deadline,
  pinned: hold.pinnedOnce,
});

/** A hold that was sold, with the seats and the quote of the sale. */
export function soldViewOf(state: EventState, sale: number): HoldView {
  const { bookingId, holdId, buyer, places, quote, createdAt, deadline } = state.sales.read(sale);
  return {
    holdId,
    eventId: state.eventId,
    buyerId: state.buyers.keys.idOf(buyer),
    status: 'sold',
    seats: seatRefs(state.places, places),
    quote,
    createdAt,
    deadline,
    pinned: true,
    bookingId,
  };
}

/** The answer to whoever asks for a hold that has ended. */
export const endedRefusal = (
  how: Ending,
  facts: readonly Fact[] = [],
): { readonly facts: readonly Fact[]; readonly reply: Refusal } =>
  refuse(how === 'released' ? 'reservation-released' : 'reservation-expired', undefined, {}, facts);

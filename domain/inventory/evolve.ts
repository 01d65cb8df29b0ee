import { assertNever } from '#domain/errors.ts';
import type { Ending } from '#domain/inventory/ended.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { shortFingerprint } from '#domain/inventory/sales.ts';
import {
  type EventState,
  freedStatus,
  type Hold,
  setLayouts,
  setStatus,
  status,
} from '#domain/inventory/state.ts';
import type { Terms } from '#domain/inventory/terms.ts';

type FactOf<T extends Fact['type']> = Extract<Fact, { type: T }>;

/**
 * Applies one fact of the entry `seq`, whose time is `at`: the only thing that changes a state.
 * Facts of one entry are applied in order with the same `at` and `seq`. It reads no clock and
 * nothing but its arguments, so a replay of the journal gives the same state.
 */
export function evolve(state: EventState, fact: Fact, at: number, seq: number): void {
  state.seq = seq;
  state.at = at;
  state.ended.forget(at);
  switch (fact.type) {
    case 'opened':
    case 'terms-changed':
      changeTerms(state, fact.terms, fact.version);
      break;
    case 'held':
      hold(state, fact, at);
      break;
    case 'extended':
      extend(state, fact);
      break;
    case 'pinned':
      pin(state, fact);
      break;
    case 'released':
      end(state, fact.hold, 'released');
      break;
    case 'expired':
      end(state, fact.hold, 'expired');
      break;
    case 'sold':
      sell(state, fact);
      break;
    case 'sell-refused':
      refuseSale(state, fact);
      break;
    case 'unsold':
      unsell(state, fact);
      break;
    case 'blocked':
    case 'unblocked':
      block(state, fact);
      break;
    case 'claimed':
      state.epoch = fact.epoch;
      state.owner = { node: fact.node, incarnation: fact.incarnation };
      state.handedTo = undefined;
      break;
    case 'handed-over':
      state.owner = null;
      state.handedTo = fact.to;
      break;
    default:
      assertNever(fact);
  }
}

/** An empty `layout` means: as before. */
function changeTerms(state: EventState, terms: Terms, version: number): void {
  const layout = terms.layout === '' ? (state.terms?.layout ?? '') : terms.layout;
  state.terms = { ...terms, layout };
  state.version = version;
  if (layout !== state.layouts.at(-1)) setLayouts(state, [...state.layouts, layout]);
}

function hold(state: EventState, fact: FactOf<'held'>, at: number): void {
  const buyer = state.buyers.add(fact.buyer);
  const quote = state.sales.internQuote(fact.quote);
  const made: Hold = {
    id: fact.hold,
    fingerprint: fact.fingerprint,
    buyerId: fact.buyer,
    buyer,
    channel: fact.channel,
    places: fact.places,
    quote: state.sales.quoteNumbered(quote),
    createdAt: at,
    deadline: fact.deadline,
    pinnedOnce: false,
    pinnedBy: null,
    extendedBy: null,
    order: state.holdsMade++,
    heapAt: -1,
    slot: -1,
  };
  for (const place of made.places) setStatus(state, place, status.reserved);
  addLive(state, made);
}

/** Puts a hold among the live ones; its places are already reserved. */
export function addLive(state: EventState, made: Hold): void {
  made.slot = state.freeSlots.pop() ?? state.slots.length;
  state.slots[made.slot] = made;
  for (const place of made.places) state.owners[place] = made.slot + 1;
  state.holds.set(made.id, made);
  state.deadlines.add(made);
  const others = state.holdsOf.get(made.buyer);
  state.holdsOf.set(made.buyer, others === undefined ? [made] : [...others, made]);
  state.buyers.addTickets(made.buyer, made.places.length);
}

/** Takes a hold from the live ones and leaves its places free. */
function removeLive(state: EventState, gone: Hold): void {
  for (const place of gone.places) {
    state.owners[place] = 0;
    setStatus(state, place, freedStatus(state, place));
  }
  state.holds.delete(gone.id);
  state.deadlines.remove(gone);
  state.slots[gone.slot] = undefined;
  state.freeSlots.push(gone.slot);
  gone.slot = -1;
  const others = (state.holdsOf.get(gone.buyer) ?? []).filter((other) => other !== gone);
  if (others.length === 0) state.holdsOf.delete(gone.buyer);
  else state.holdsOf.set(gone.buyer, others);
  state.buyers.addTickets(gone.buyer, -gone.places.length);
}

function extend(state: EventState, fact: FactOf<'extended'>): void {
  const extended = state.holds.get(fact.hold);
  if (extended === undefined) return;
  extended.deadline = fact.deadline;
  extended.extendedBy = fact.by;
  state.deadlines.moved(extended);
}

function pin(state: EventState, fact: FactOf<'pinned'>): void {
  const pinned = state.holds.get(fact.hold);
  if (pinned === undefined) return;
  pinned.pinnedOnce = true;
  pinned.pinnedBy = fact.booking;
  pinned.deadline = fact.deadline;
  state.deadlines.moved(pinned);
}

/** The whole hold ends; a pinned one that expires is kept for its booking. */
function end(state: EventState, holdId: string, how: Ending): void {
  const ended = state.holds.get(holdId);
  if (ended === undefined) return;
  removeLive(state, ended);
  if (how === 'expired' && ended.pinnedBy !== null) state.lapsed.set(holdId, ended);
  state.ended.add(holdId, { how, buyer: ended.buyer, seq: state.seq, at: state.at });
}

function sell(state: EventState, fact: FactOf<'sold'>): void {
  const live = state.holds.get(fact.hold);
  const sold = live ?? state.lapsed.get(fact.hold);
  if (live !== undefined) removeLive(state, live);
  state.lapsed.delete(fact.hold);
  const buyer = state.buyers.add(fact.buyer);
  const sale = state.sales.add({
    bookingId: fact.booking,
    holdId: fact.hold,
    buyer,
    places: fact.places,
    quote: fact.quote,
    createdAt: sold?.createdAt ?? state.at,
    deadline: sold?.deadline ?? state.at,
    fingerprint: shortFingerprint(sold?.fingerprint ?? ''),
  });
  for (const place of fact.places) {
    setStatus(state, place, status.sold);
    state.owners[place] = -(sale + 1);
  }
  state.buyers.addTickets(buyer, fact.places.length);
}

/** The refusal is for good; the pin of this booking ends with it. */
function refuseSale(state: EventState, fact: FactOf<'sell-refused'>): void {
  state.sales.refuse(fact.booking, fact.reason);
  const live = state.holds.get(fact.hold);
  if (live?.pinnedBy === fact.booking) live.pinnedBy = null;
  if (state.lapsed.get(fact.hold)?.pinnedBy === fact.booking) state.lapsed.delete(fact.hold);
}

function unsell(state: EventState, fact: FactOf<'unsold'>): void {
  const sale = state.sales.ofBooking(fact.booking);
  if (sale < 0) return;
  for (const place of fact.places) {
    if (state.owners[place] !== -(sale + 1)) continue;
    state.owners[place] = 0;
    setStatus(state, place, fact.blocked ? status.blocked : freedStatus(state, place));
    state.buyers.addTickets(state.sales.buyer[sale] ?? 0, -1);
  }
}

function block(state: EventState, fact: FactOf<'blocked' | 'unblocked'>): void {
  if (fact.version !== undefined) state.version = fact.version;
  const next = fact.type === 'blocked' ? status.blocked : status.available;
  for (const place of fact.places) setStatus(state, place, next);
}

import { type Best, findBest, findInArea } from '#domain/inventory/best-available.ts';
import type { CommandOf, Want } from '#domain/inventory/commands.ts';
import { accept, type Decision, refuse } from '#domain/inventory/decision.ts';
import { asIfEnded, dueHolds, expiredFact } from '#domain/inventory/expiry.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { endedRefusal, soldViewOf, viewOf } from '#domain/inventory/holds.ts';
import { idOf, type Places, placeOf, seatRefs } from '#domain/inventory/places.ts';
import { shortFingerprint } from '#domain/inventory/sales.ts';
import { type EventState, type Hold, holdOn, isOverdue, status } from '#domain/inventory/state.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { limits } from '#domain/limits.ts';
import { type Quote, quoteFor } from '#domain/pricing.ts';

type HoldCommand = CommandOf<'hold'>;
type Refused = ReturnType<typeof refuse>;
/** What a want means on this chart. */
type Asked =
  | { readonly by: 'seats'; readonly quantity: number; readonly places: readonly number[] }
  | Exclude<Want, { by: 'seats' }>;
type Choice = { readonly places: readonly number[]; readonly ended: readonly Hold[] };

const noHolds: readonly Hold[] = [];

/**
 * Makes a hold, once per command id. Which answer wins: the memory of the command (the hold or
 * sale it made, idempotency-key-reused, reservation-expired or -released), not-found (nothing was
 * ever opened), invalid-request, not-on-sale, limit-exceeded, seats-unavailable or sold-out. Due
 * holds of the same buyer, and those in the way, end first.
 */
export function decideHold(state: EventState, command: HoldCommand, now: number): Decision<'hold'> {
  const again = repeated(state, command, now);
  if (again !== undefined) return again;
  const { terms } = state;
  if (terms === undefined) return refuse('not-found', 'The event is not open');
  const asked = understand(state.places, command.want);
  if ('reply' in asked) return asked;
  const closed = notOnSale(terms, command, now);
  if (closed !== undefined) return closed;
  const buyer = state.buyers.numberOf(command.buyerId);
  const live = state.holdsOf.get(buyer) ?? noHolds;
  const mine = live.length === 0 ? live : live.filter((hold) => isOverdue(hold, now));
  const quantity = asked.quantity;
  const beyond =
    command.channel === 'box-office'
      ? overCounter(quantity)
      : overLimit(state, terms, buyer, quantity, mine);
  if (beyond !== undefined) return beyond;
  const choice = choose(state, asked, now, mine);
  return 'reply' in choice ? choice : holdPlaces(state, terms, command, choice, now);
}

function holdPlaces(
  state: EventState,
  terms: Terms,
  command: HoldCommand,
  { places, ended }: Choice,
  now: number,
): Decision<'hold'> {
  const { holdId, fingerprint, buyerId, channel } = command;
  const quote = quoteOf(state.places, terms, places);
  const deadline = now + Math.min(terms.limits.holdTtlMs, limits.holdTtlMs);
  const held: Fact = {
    type: 'held',
    hold: holdId,
    fingerprint,
    buyer: buyerId,
    channel,
    places,
    quote,
    deadline,
  };
  return accept(
    {
      holdId,
      eventId: state.eventId,
      buyerId,
      status: 'held',
      seats: seatRefs(state.places, places),
      quote,
      createdAt: now,
      deadline,
      pinned: false,
      replayed: false,
    },
    [...ended.map(expiredFact), held],
  );
}

/** What this command has led to already; undefined when it is new. */
function repeated(
  state: EventState,
  { holdId, fingerprint }: HoldCommand,
  now: number,
): Decision<'hold'> | undefined {
  const live = state.holds.get(holdId);
  if (live !== undefined) {
    if (isOverdue(live, now)) return endedRefusal('expired', [expiredFact(live)]);
    if (live.fingerprint !== fingerprint) return refuse('idempotency-key-reused');
    return accept({ ...viewOf(state, live), replayed: true });
  }
  const sale = state.sales.ofHold(holdId);
  if (sale >= 0) {
    const same = state.sales.fingerprint[sale] === shortFingerprint(fingerprint);
    if (!same) return refuse('idempotency-key-reused');
    return accept({ ...soldViewOf(state, sale), replayed: true });
  }
  if (state.lapsed.has(holdId)) return endedRefusal('expired');
  const ended = state.ended.find(holdId);
  return ended === undefined ? undefined : endedRefusal(ended.how);
}

const wrong = (path: string, message: string): Refused =>
  refuse('invalid-request', message, { errors: [{ path, message }] });

/** What is wanted, or why the chart can never give it. */
function understand(places: Places, want: Want): Asked | Refused {
  if (want.by === 'seats') return understandSeats(places, want.seats);
  if (!Number.isSafeInteger(want.quantity) || want.quantity < 1) {
    return wrong(want.by === 'best' ? 'best.quantity' : 'quantity', 'must be at least 1');
  }
  if (want.by === 'area') {
    const known = places.areas.some(({ area }) => area.id === want.area);
    return known ? want : wrong('area', `there is no area ${want.area}`);
  }
  return wrongBest(places, want) ?? want;
}

function understandSeats(places: Places, seats: readonly string[]): Asked | Refused {
  if (seats.length === 0) return wrong('seats', 'name at least one seat');
  const repeats = seats.length > 1 && new Set(seats).size < seats.length;
  if (repeats) return wrong('seats', 'names a seat twice');
  const found = seats.map((id) => placeOf(places, id));
  if (!found.includes(-1)) return { by: 'seats', quantity: seats.length, places: found };
  const unknown = seats.filter((_, i) => found[i] === -1);
  return wrong('seats', `there are no seats ${unknown.join(', ')}`);
}

function wrongBest(places: Places, { section, category }: Best): Refused | undefined {
  if (category !== undefined && !places.categories.includes(category)) {
    return wrong('best.category', `there is no category ${category}`);
  }
  const known =
    section === undefined ||
    places.rows.some((row) => row.section === section) ||
    places.areas.some(({ area }) => area.id === section || area.name === section);
  return known ? undefined : wrong('best.section', `there is no section ${section}`);
}

/**
 * The box office sells before the public sale, while it is paused and after it has closed, until
 * the event is over: closed only as a channel.
 */
function counterClosed({ channels, sale, endsAt }: Terms, now: number): Refused | undefined {
  if (sale.status === 'cancelled' || sale.status === 'ended') {
    return refuse('not-on-sale', undefined, { sale: sale.status });
  }
  if (now >= endsAt) return refuse('not-on-sale', undefined, { closesAt: endsAt });
  if (channels.includes('box-office')) return undefined;
  return refuse('not-on-sale', 'The box office is closed', { channel: 'box-office' });
}

function notOnSale(terms: Terms, { channel }: HoldCommand, now: number): Refused | undefined {
  if (channel === 'box-office') return counterClosed(terms, now);
  const { status: sale, opensAt, closesAt } = terms.sale;
  if (sale !== 'open') return refuse('not-on-sale', undefined, { sale });
  if (opensAt !== null && now < opensAt) return refuse('not-on-sale', undefined, { opensAt });
  if (closesAt !== null && now >= closesAt) return refuse('not-on-sale', undefined, { closesAt });
  if (terms.channels.includes(channel)) return undefined;
  return refuse('not-on-sale', 'This channel is closed', { channel });
}

/** A sale over the counter counts no buyer's tickets; it is bounded for itself. */
function overCounter(quantity: number): Refused | undefined {
  const max = limits.boxOfficePlacesMax;
  if (quantity <= max) return undefined;
  const data = { limit: 'tickets', max, have: 0 };
  return refuse('limit-exceeded', `At most ${max} tickets in one sale`, data);
}

/** Limits count what the buyer has when the due holds have ended; sold tickets count. */
function overLimit(
  state: EventState,
  terms: Terms,
  buyer: number,
  quantity: number,
  ended: readonly Hold[],
): Refused | undefined {
  const freed = ended.reduce((sum, hold) => sum + hold.places.length, 0);
  const tickets = state.buyers.tickets(buyer) - freed;
  const holds = (state.holdsOf.get(buyer)?.length ?? 0) - ended.length;
  const ticketsMax = Math.min(terms.limits.ticketsPerBuyer, limits.ticketsPerBuyerAndEvent);
  if (tickets + quantity > ticketsMax) {
    const data = { limit: 'tickets', max: ticketsMax, have: tickets };
    const detail = `At most ${ticketsMax} tickets per buyer`;
    return refuse('limit-exceeded', detail, data, ended.map(expiredFact));
  }
  const holdsMax = Math.min(terms.limits.liveHoldsPerBuyer, limits.liveHoldsPerBuyerAndEvent);
  if (holds < holdsMax) return undefined;
  const data = { limit: 'holds', max: holdsMax, have: holds };
  const detail = `At most ${holdsMax} reservations at a time`;
  return refuse('limit-exceeded', detail, data, ended.map(expiredFact));
}

function choose(
  state: EventState,
  want: Asked,
  now: number,
  mine: readonly Hold[],
): Choice | Refused {
  if (want.by === 'seats') return chooseSeats(state, want.places, now, mine);
  const look = () =>
    want.by === 'best' ? findBest(state, want) : findInArea(state, want.area, want.quantity);
  const places = look();
  if (places !== undefined) return { places, ended: mine };
  const due = dueHolds(state, now, limits.expirySweepSeatsMax);
  const ended = [...due, ...mine.filter((hold) => !due.includes(hold))];
  const found = ended.length === 0 ? undefined : asIfEnded(state, ended, look);
  if (found !== undefined) return { places: found, ended };
  const facts = ended.map(expiredFact);
  // Beyond the sweep's limit more seats may be due: the next try sees them.
  const more = ended.reduce((sum, hold) => sum + hold.places.length, 0);
  if (more >= limits.expirySweepSeatsMax) return refuse('overloaded', undefined, {}, facts);
  return refuse('sold-out', undefined, { quantity: want.quantity }, facts);
}

function chooseSeats(
  state: EventState,
  places: readonly number[],
  now: number,
  mine: readonly Hold[],
): Choice | Refused {
  const free = (place: number): boolean => state.status[place] === status.available;
  if (places.every(free)) return { places, ended: mine };
  const ended = new Set(mine);
  const taken = places.filter((place) => {
    if (free(place)) return false;
    const holder = holdOn(state, place);
    if (holder === undefined || !isOverdue(holder, now)) return true;
    ended.add(holder);
    return state.places.removed[place] === 1;
  });
  if (taken.length === 0) return { places, ended: [...ended] };
  const data = { seats: taken.map((place) => idOf(state.places, place)) };
  return refuse('seats-unavailable', undefined, data, [...ended].map(expiredFact));
}

/** Price terms do not change, so groups of the same categories share one quote. */
const quotes = new WeakMap<Terms, Map<string, Quote>>();

/** The price of these places under these terms. */
function quoteOf(places: Places, terms: Terms, list: readonly number[]): Quote {
  let known = quotes.get(terms);
  if (known === undefined) {
    known = new Map();
    quotes.set(terms, known);
  }
  const categories = list.map((place) => places.category[place] ?? 0);
  const key = categories.sort((a, b) => a - b).join();
  const before = known.get(key);
  if (before !== undefined) return before;
  const counts: Record<string, number> = {};
  for (const category of categories) {
    const name = places.categories[category] ?? '';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  const quote = quoteFor(terms, counts);
  known.set(key, quote);
  return quote;
}

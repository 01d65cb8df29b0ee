import { cardTotal } from '#domain/bill.ts';
import { type Booking, lastAttempt, moved } from '#domain/booking.ts';
import {
  backoff,
  type Change,
  type CheckoutWish,
  captured,
  change,
  ended,
  ledgerEntry,
  openBooking,
  sold,
  soon,
} from '#domain/booking-moves.ts';
import {
  type Bundle,
  type BundlePatch,
  bundleMoved,
  heldParts,
  type Member,
} from '#domain/bundle.ts';
import { type BundleTerms, bundlePrice } from '#domain/bundle-price.ts';
import { cancelledUnpaid, undone } from '#domain/cancellation.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { salePostings } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import { packageQuotes } from '#domain/package.ts';
import { issueTickets, type Sale, sumOf, type Ticket } from '#domain/ticket.ts';

/** One step forward of a bundle and all that becomes true with it, in one transaction. */
export type BundleChange = {
  readonly expected: number;
  readonly bundle: Bundle;
  /** Bookings that begin. */
  readonly opened: readonly Booking[];
  /** Of its bookings, each compared with its own version. */
  readonly members: readonly Change[];
  /** What belongs to its order alone: stray money and its return, what it gives back of offers. */
  readonly own: Pick<Change, 'entries' | 'messages' | 'claims'>;
  /** Added to the number that its package has taken. */
  readonly taken: number;
  /** True: nothing more can be done before `bundle.dueAt`. */
  readonly wait: boolean;
};

export const bundleChange = (
  b: Bundle,
  bundle: Bundle,
  effects: Partial<Omit<BundleChange, 'expected' | 'bundle'>> = {},
): BundleChange => ({
  expected: b.version,
  bundle,
  opened: [],
  members: [],
  own: { entries: [], messages: [], claims: [] },
  taken: 0,
  wait: bundle.step === 'done',
  ...effects,
});

/** Looked at again later: the outcome of its present step is unknown. */
export function bundleAgain(b: Bundle, now: number): BundleChange {
  const dueAt = backoff(b.tries, now);
  return bundleChange(b, bundleMoved(b, { tries: b.tries + 1, dueAt }, now), { wait: true });
}

/** All of its events are held: its price is fixed. */
export function bundleHeld(b: Bundle, holds: readonly HoldView[], now: number): BundleChange {
  const own = holds.map(({ quote }) => quote);
  const offer = { packageId: b.packageId, price: b.price, currency: own[0]?.currency ?? '' };
  const quotes = packageQuotes(offer, b.quantity, own);
  const members = b.members.map((member, i): Member => {
    const [hold, quote] = [holds[i], quotes[i]];
    if (hold === undefined || quote === undefined) throw new RangeError('a hold for each event');
    const held = { seats: hold.seats, quote, separately: hold.quote.total };
    return { ...member, held };
  });
  const deadline = Math.min(...holds.map((hold) => hold.deadline));
  return bundleChange(
    b,
    bundleMoved(b, { step: 'held', members, deadline, dueAt: deadline }, now),
    { wait: true },
  );
}

/** It will not be ordered: what may be held of it is to be given back. */
export const bundleReleasing = (b: Bundle, reason: string, now: number): BundleChange =>
  bundleChange(b, bundleMoved(b, { step: 'release', reason, dueAt: soon(now) }, now));

/** Its holds are given back, and its place among those its package may have. */
export const bundleReleased = (b: Bundle, now: number): BundleChange =>
  bundleChange(b, bundleMoved(b, { step: 'done', counted: false }, now), {
    taken: b.counted ? -b.quantity : 0,
  });

/** Its bundle's flow leads a booking: this is only so that it is not forgotten. */
export const ledUntil = (now: number): number => now + limits.holdLifeMs;

/**
 * The first checkout: the order and one booking per event, all at `pin`. What `terms` take of
 * offers is taken, once, with it.
 */
export function bundleOrdered(
  b: Bundle,
  wish: CheckoutWish,
  events: readonly Booking['event'][],
  now: number,
  terms: BundleTerms = bundlePrice(b, {}, now),
): BundleChange {
  const holds = heldParts(b).map(({ seats, quote }, i): HoldView => {
    const { eventId, reservationId: holdId } = b.members[i] as Member;
    const { buyerId, createdAt, deadline } = b;
    const state = { status: 'held', pinned: false } as const;
    return { holdId, eventId, buyerId, seats, quote, createdAt, deadline, ...state };
  });
  const part = { bundleId: b.bundleId, divisible: b.divisible };
  const opened = holds.map((hold, i): Booking => {
    const { bookingId } = b.members[i] as Member;
    const booking = openBooking(bookingId, hold, wish, events[i], now, terms.parts[i]);
    return { ...booking, attempts: [], bundle: part, dueAt: ledUntil(now) };
  });
  const [first] = holds;
  if (first === undefined) throw new Error(`${b.bundleId} has no events`);
  const all = { ...first, seats: holds.flatMap(({ seats }) => seats) };
  const order = openBooking(b.bundleId, all, wish, events[0], now, terms.whole);
  const next = bundleMoved(b, { step: 'order', order, dueAt: soon(now) }, now);
  return bundleChange(b, next, { opened });
}

/** The others are its bookings' own. */
const ownMessages: readonly string[] = ['booking-refunded', 'payment-unavailable'];

/** The order as it becomes; its own record of seats is never looked at. */
export function withOrder(
  b: Bundle,
  so: Change,
  now: number,
  effects: Partial<BundleChange> = {},
): BundleChange {
  const order: Booking = {
    ...so.booking,
    returns: so.booking.returns.map((r) => ({ ...r, seatsReturned: true })),
  };
  const over = order.step === 'done';
  const lost = over && !order.saleWritten;
  const patch: BundlePatch = {
    order,
    tries: order.tries,
    dueAt: order.dueAt,
    ...(over ? { step: 'done' } : {}),
    ...(lost ? { counted: false } : {}),
  };
  return bundleChange(b, bundleMoved(b, patch, now), {
    own: {
      entries: so.entries.filter(({ kind }) => kind === 'stray-cash' || kind === 'refund'),
      messages: so.messages.filter(({ kind }) => ownMessages.includes(kind)),
      claims: so.claims,
    },
    wait: so.wait,
    taken: lost && b.counted ? -b.quantity : 0,
    ...effects,
  });
}

type Sold = Pick<Sale, 'seats' | 'places' | 'ticketIds'>;

/** Every event has sold: tickets and sales of all are written, then the money is taken. */
export function bundleSold(
  b: Bundle,
  order: Booking,
  members: readonly Booking[],
  sales: readonly Sold[],
  now: number,
): BundleChange {
  const free = cardTotal(order) === 0;
  const patch = free
    ? ({ status: 'confirmed', step: 'done', saleWritten: true } as const)
    : ({ step: 'capture', saleWritten: true, dueAt: soon(now) } as const);
  const written = members.map((m, i) => {
    const sale = sales[i];
    if (sale === undefined) throw new RangeError('a sale for each event');
    const begun = { ...m, ...wishOf(order, m), status: 'selling', step: 'sell' } as const;
    return free ? atOnce(sold(begun, sale, now), now) : memberSold(m, sale, now);
  });
  return withOrder(b, change(order, moved(order, patch, now)), now, { members: written });
}

/** Tickets and the sale of one event; it is confirmed with the money for all. */
function memberSold(m: Booking, sale: Sold, now: number): Change {
  const issued = issueTickets({ ...m, ...sale, quote: m.quote });
  const written = { ...m, seats: sale.seats, saleWritten: true };
  const next = { status: 'selling', step: 'capture', dueAt: ledUntil(now) } as const;
  const entries = ledgerEntry(m, 'sale', 'sale', salePostings(sumOf(issued).shares), now);
  return change(m, moved(written, next, now), { issued, entries });
}

/** A wish to cancel the whole is one to cancel each part. */
const wishOf = (order: Booking, m: Booking) => ({
  cancelRequested: m.cancelRequested || order.cancelRequested,
  cancelAs: m.cancelAs ?? order.cancelAs,
});

/** A booking's own flow goes on with it now. */
const atOnce = (so: Change, now: number): Change =>
  so.booking.dueAt === undefined ? so : { ...so, booking: { ...so.booking, dueAt: now } };

/** What becomes of the bookings when the order goes from `order` to `next`. */
export function membersFollow(
  order: Booking,
  next: Booking,
  members: readonly Booking[],
  tickets: readonly Ticket[],
  now: number,
): readonly Change[] {
  if (next.status === order.status) return [];
  const reason = next.reason ?? next.status;
  switch (next.status) {
    case 'confirmed':
      return members.map((m) => atOnce(memberPaid(order, m, now), now));
    case 'expired':
      return members.map((m) => atOnce(ended(m, 'expired', reason, now), now));
    case 'cancelled':
      return members.map((m) => {
        if (order.status !== 'selling') return atOnce(memberUnpaid(m, reason, now), now);
        const own = tickets.filter(({ bookingId }) => bookingId === m.bookingId);
        return atOnce(undone({ ...m, alarm: order.alarm }, own, now), now);
      });
    default:
      return [];
  }
}

/** The booking whose event was cancelled says so itself. */
const memberUnpaid = (m: Booking, reason: string, now: number): Change =>
  m.cancelRequested ? cancelledUnpaid(m, now) : ended(m, 'cancelled', reason, now);

/** Its part of the captured money: from here on it is refunded by itself. */
function memberPaid(order: Booking, m: Booking, now: number): Change {
  const { key, intentId } = lastAttempt(order) ?? {};
  const amount = cardTotal(m);
  const attempts: Booking['attempts'] =
    key === undefined || amount === 0 ? [] : [{ no: 1, key, intentId, amount, state: 'open' }];
  return captured({ ...m, attempts, ...wishOf(order, m) }, now);
}

/** A request tries anew under the same id what was refused, or given back, before. */
export const bundleReopened = (b: Bundle, fresh: Bundle, now: number): BundleChange => {
  const { members, price, divisible, name, counted, dueAt } = fresh;
  const patch = { members, price, divisible, name, counted, dueAt, reason: undefined };
  return bundleChange(b, bundleMoved(b, { ...patch, step: 'hold' }, now), {
    taken: counted ? b.quantity : 0,
  });
};

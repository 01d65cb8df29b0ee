import type { BundleStore } from '#adapters/store/bundles.port.ts';
import { type Booking, isLed, lastAttempt, type Step } from '#domain/booking.ts';
import { type Change, ended, pinned } from '#domain/booking-moves.ts';
import type { Bundle, BundleStep } from '#domain/bundle.ts';
import {
  type BundleChange,
  bundleAgain,
  bundleChange,
  bundleReleased,
  bundleReleasing,
  bundleSold,
  membersFollow,
  withOrder,
} from '#domain/bundle-moves.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { makeScopedId } from '#domain/ids.ts';
import type { CommandKind, CommandOf, ReplyOf, SellReply } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { steps } from '#flows/booking.flow.ts';
import { isTerminal } from '#flows/cancellation.flow.ts';
import type { FlowPorts, InventoryPort } from '#flows/ports.ts';

/** What people and waiting requests learn on the way; nothing depends on it, it never throws. */
export interface BundleWatcher {
  changed(change: BundleChange): void;
  /** A step's outcome is unknown and it will be done again. */
  trouble(bundle: Bundle, error: unknown): void;
  /** An invariant is broken or a refund has failed for good. */
  alarm(bundle: Bundle): void;
}

export type BundlePorts = FlowPorts & {
  readonly bundles: BundleStore;
  readonly bundleWatcher: BundleWatcher;
};

type Do = (b: Bundle, ports: BundlePorts) => Promise<BundleChange>;

/**
 * The flow of a bundle. Like a booking's: each step may be done any number of times, what it asks
 * of others has its effect once, and its change is written only by who still has the version.
 *
 * step    | does                                    | ends
 * hold    | a request holds the seats               | abandoned: release
 * held    | the buyer may order                     | at the deadline: release
 * release | holds given back, in no order           | done
 * order   | the order's own step, see `orderStep`   | done when its payment is final; seats and
 *         |                                         | money that its bookings owe: in their flow
 */
const bundleSteps: Readonly<Record<BundleStep, Do>> = {
  hold: async (b, { clock }) => bundleReleasing(b, 'abandoned', clock.now()),
  held: async (b, { clock }) => bundleReleasing(b, 'reservation-expired', clock.now()),
  release,
  order: orderStep,
  done: async (b) => bundleChange(b, b),
};

async function release(b: Bundle, { inventory, clock }: BundlePorts): Promise<BundleChange> {
  for (const { eventId, reservationId: holdId } of b.members) {
    const deadline = clock.now() + limits.callTimeoutMs;
    const id = `release:${holdId}`;
    const { buyerId } = b;
    try {
      await inventory.execute<'release'>({
        kind: 'release',
        id,
        eventId,
        deadline,
        holdId,
        buyerId,
      });
    } catch (error) {
      // It was never made, or has ended: there is nothing to give back.
      if (!isTerminal(error)) throw error;
    }
  }
  return bundleReleased(b, clock.now());
}

type Whole = { readonly bundle: Bundle; readonly order: Booking; readonly parts: Parts };
type Parts = readonly Booking[];
type DoOrder = (whole: Whole, ports: BundlePorts) => Promise<BundleChange>;

/**
 * To its payment a bundle is one booking: those steps are the booking's own. Its seats are pinned
 * all and sold one event after the other; only when all are sold are tickets and sales written,
 * together, and the money taken. Whichever way the order ends, its bookings end in the same
 * transaction, and each of them gives back what it owes in its own flow.
 */
async function orderStep(bundle: Bundle, ports: BundlePorts): Promise<BundleChange> {
  const { order } = bundle;
  if (order === undefined) throw new Error(`${bundle.bundleId} was never ordered`);
  const parts = await ports.bundles.bookings(bundle.bundleId);
  // They were read after the bundle: one that is led no more was written with a later version.
  if (!isEnded(order) && !parts.every(isLed)) {
    throw new UsherError('stale-version', 'Another worker is ahead');
  }
  const whole = { bundle, order, parts };
  // An event of it may have been cancelled: then a wish stands in its booking.
  const wished = order.cancelRequested || parts.some((part) => part.cancelRequested);
  if (wished && isUnsold(order)) {
    const asked = order.cancelAs?.order?.reason ?? 'cancelled-by-buyer';
    const why = order.cancelRequested ? asked : 'event-cancelled';
    return followed(whole, ended(order, 'cancelled', why, ports.clock.now()), ports);
  }
  const own: Partial<Record<Step, DoOrder>> = { pin: pinAll, sell: sellAll };
  const step = own[order.step];
  if (step !== undefined) return step(whole, ports);
  // Its bookings cancel themselves once they are paid; the order has no seats to give back.
  const inventory = allHolds(parts, ports.inventory);
  const so = await steps[order.step]({ ...order, cancelRequested: false }, { ...ports, inventory });
  return followed(whole, so, ports);
}

/**
 * To a step of the order its holds are one: what it asks of its hold (more time) is asked of every
 * one of them, and the answer with the nearest deadline holds.
 */
const allHolds = (parts: Parts, inventory: InventoryPort): InventoryPort => ({
  execute: async <K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>> => {
    const replies: ReplyOf<K>[] = [];
    for (const { eventId, reservationId: holdId } of parts) {
      const id = `${command.id}:${eventId}`;
      replies.push(await inventory.execute<K>({ ...command, id, eventId, holdId }));
    }
    replies.sort((one, other) => deadlineIn(one) - deadlineIn(other));
    const [nearest] = replies;
    if (nearest === undefined) throw new Error('an order without events');
    return nearest;
  },
});

const deadlineIn = (reply: object): number =>
  'deadline' in reply ? Number(reply.deadline) : Number.POSITIVE_INFINITY;

const isEnded = ({ status }: Booking): boolean =>
  status === 'confirmed' || status === 'expired' || status === 'cancelled' || status === 'refunded';

const isUnsold = ({ status }: Booking): boolean =>
  status === 'pending' || status === 'requires_action' || status === 'declined';

/** The order's step forward, with what becomes of its bookings. */
async function followed(whole: Whole, so: Change, { store, clock }: BundlePorts) {
  const { bundle, order, parts } = whole;
  const tickets = await store.tickets(parts.map(({ bookingId }) => bookingId));
  const members = membersFollow(order, so.booking, parts, tickets, clock.now());
  const { cancelRequested } = order;
  const booking = { ...so.booking, cancelRequested };
  return withOrder(bundle, { ...so, booking }, clock.now(), { members });
}

/** Keeps every hold while the payment runs; the first that ends ends the time for all. */
async function pinAll(whole: Whole, ports: BundlePorts): Promise<BundleChange> {
  const { order, parts } = whole;
  const { inventory, clock } = ports;
  let until = Number.POSITIVE_INFINITY;
  try {
    for (const { bookingId, eventId, reservationId: holdId, buyerId } of parts) {
      const hold = await inventory.execute<'pin'>({
        kind: 'pin',
        id: `pin:${bookingId}:${order.attempts.length}`,
        eventId,
        deadline: clock.now() + limits.callTimeoutMs,
        holdId,
        buyerId,
        bookingId,
      });
      until = Math.min(until, hold.deadline);
    }
  } catch (error) {
    if (!isTerminal(error)) throw error;
    const why = codeOf(error) ?? 'reservation-expired';
    return followed(whole, ended(order, 'expired', why, clock.now()), ports);
  }
  return followed(whole, pinned(order, until, clock.now()), ports);
}

/** Asked again, each event gives the same answer: a sale that was refused ends all of them. */
async function sellAll(whole: Whole, ports: BundlePorts): Promise<BundleChange> {
  const { bundle, order, parts } = whole;
  const { inventory, clock, ids } = ports;
  const replies: Extract<SellReply, { outcome: 'sold' }>[] = [];
  for (const { bookingId, eventId, reservationId: holdId } of parts) {
    const reply = await inventory.execute<'sell'>({
      kind: 'sell',
      id: `sell:${bookingId}`,
      eventId,
      deadline: clock.now() + limits.callTimeoutMs,
      bookingId,
      holdId,
      paymentId: lastAttempt(order)?.intentId ?? 'none',
      equalSeats: order.equalSeats,
    });
    if (reply.outcome === 'refused') {
      return followed(whole, ended(order, 'expired', reply.reason, clock.now()), ports);
    }
    replies.push(reply);
  }
  const sales = replies.map((reply, i) => {
    const eventId = parts[i]?.eventId ?? '';
    return { ...reply, ticketIds: reply.seats.map(() => ticketIdOf(eventId, ids.ulid())) };
  });
  return bundleSold(bundle, order, parts, sales, clock.now());
}

const ticketIdOf = (eventId: string, ulid: string) => makeScopedId('ticket', eventId, ulid);

/** A step that throws has an unknown outcome: it is done again, later and later. */
export async function bundleStep(b: Bundle, ports: BundlePorts): Promise<BundleChange> {
  try {
    return await bundleSteps[b.step](b, ports);
  } catch (error) {
    ports.bundleWatcher.trouble(b, error);
    return bundleAgain(b, ports.clock.now());
  }
}

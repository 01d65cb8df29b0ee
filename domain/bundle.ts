import type { Booking } from '#domain/booking.ts';
import type { SeatRef, Want } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import type { PackagePrice } from '#domain/package.ts';
import type { Quote } from '#domain/pricing.ts';

/**
 * One buyer's package, from the holds of its events to one booking per event, or to nothing charged
 * and nothing sold. Times are epoch ms.
 */
export type Bundle = {
  /** `bdl_…`, also what its payment is known by at the provider. */
  readonly bundleId: string;
  readonly packageId: string;
  readonly name: string;
  readonly buyerId: string;
  readonly step: BundleStep;
  /** Every write compares it and adds one. */
  readonly version: number;
  /** When the flow must look again; absent only when nothing is left to do. */
  readonly dueAt?: number | undefined;
  /** Unknown outcomes of the present step in a row, for the back-off. */
  readonly tries: number;
  /** Why it ended before it was ordered. */
  readonly reason?: string | undefined;
  readonly quantity: number;
  readonly price: PackagePrice;
  readonly divisible: boolean;
  /** It counts on its package's limit. */
  readonly counted: boolean;
  /** In the order of the events' ids: the order in which they are held and sold. */
  readonly members: readonly Member[];
  /** When the first of its holds ends. */
  readonly deadline: number;
  /**
   * Payment and progress from the checkout on, those of a booking of all seats: the same tables and
   * rules. Its id is the bundle's; seats and tickets are its members' alone.
   */
  readonly order?: Booking | undefined;
  readonly cancels: readonly BundleCancel[];
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** The part of one event. */
export type Member = {
  readonly eventId: string;
  readonly want: Want;
  /** Of the command that makes the hold. */
  readonly commandId: string;
  readonly reservationId: string;
  readonly bookingId: string;
  /** What is held, at the package's price. */
  readonly held?: HeldPart | undefined;
};

export type HeldPart = {
  readonly seats: readonly SeatRef[];
  readonly quote: Quote;
  /** Price of these tickets by themselves, minor units. */
  readonly separately: number;
};

/** A cancellation that was made: what it returned, minor units. */
export type BundleCancel = { readonly key: string; readonly amount: number };

/**
 * hold: a request holds the seats · held: the buyer may order · release: the holds are given back
 * · order: `order.step` is done · done.
 */
const bundleStepMoves = {
  hold: ['held', 'release'],
  held: ['order', 'release'],
  release: ['done'],
  order: ['done'],
  done: ['hold'],
} as const satisfies Record<string, readonly string[]>;
export type BundleStep = keyof typeof bundleStepMoves;

/** Seats and prices of all its members are known. */
export const heldParts = (bundle: Bundle): readonly HeldPart[] =>
  bundle.members.map(({ held }) => {
    if (held === undefined) throw new Error(`${bundle.bundleId} is not held yet`);
    return held;
  });

/** A request that has not answered by then has died. */
export const holdingUntil = (now: number): number => now + limits.idempotencyLockMs;

export type BundlePatch = Partial<Omit<Bundle, 'bundleId' | 'version' | 'updatedAt'>>;

/** The only way a bundle changes; throws when the table forbids it: a defect. */
export function bundleMoved(b: Bundle, patch: BundlePatch, now: number): Bundle {
  const next: Bundle = { ...b, tries: 0, ...patch, version: b.version + 1, updatedAt: now };
  const allowed: readonly string[] = bundleStepMoves[b.step];
  if (next.step !== b.step && !allowed.includes(next.step)) {
    throw new Error(`a bundle cannot go from ${b.step} to ${next.step}`);
  }
  if (next.step === 'done') return { ...next, dueAt: undefined };
  if (next.dueAt === undefined) throw new Error(`step ${next.step} without a due time`);
  return next;
}

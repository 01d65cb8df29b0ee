import type { Booking } from '#domain/booking.ts';
import type { Change } from '#domain/booking-moves.ts';
import type { Ticket } from '#domain/ticket.ts';

export type DueBooking = { readonly bookingId: string; readonly version: number };

/** Where a page of a buyer's bookings ended. */
export type ListPosition = { readonly createdAt: number; readonly bookingId: string };

/**
 * `stale`: another writer was first, or another booking remembers a key of it. `place-taken`: a
 * valid ticket for one of the places exists. Nothing was written.
 */
export type CommitResult = 'done' | 'stale' | 'place-taken';

/**
 * `exists`: the reservation has an active booking already, or another one has its id or remembers
 * its key. `promo-refused`, `voucher-refused`: what its bill takes of a promo code or a voucher is
 * not to be had any more. Nothing was written.
 */
export type InsertResult = 'inserted' | 'exists' | 'promo-refused' | 'voucher-refused';

/**
 * Bookings with their tickets, ledger and outgoing messages. A write that rejects may have happened
 * or not: read again. All times epoch ms.
 */
export interface BookingStore {
  /** In the same transaction takes what the bill says: a redemption, a part of a voucher. */
  insert(booking: Booking): Promise<InsertResult>;
  find(bookingId: string): Promise<Booking | undefined>;
  findActive(reservationId: string): Promise<Booking | undefined>;
  /** The booking that remembers this buyer's idempotency key, see `ownKeys`. */
  findByKey(buyerId: string, key: string): Promise<Booking | undefined>;
  tickets(bookingIds: readonly string[]): Promise<readonly Ticket[]>;
  /** At most `limit` bookings whose `dueAt` is not after `now`, the longest overdue first. */
  due(now: number, limit: number): Promise<readonly DueBooking[]>;
  /** At most `limit` of those whose next instalment is to be announced or charged by `now`. */
  dueInstalments(now: number, limit: number): Promise<readonly string[]>;
  /** Makes it the caller's until `dueAt`, if it still has this version. */
  take(due: DueBooking, dueAt: number): Promise<Booking | undefined>;
  /**
   * All of a change in one transaction, or nothing. A caller who holds the very booking that stands
   * in the store at `change.expected` may give it as `before`: then only what differs is written.
   */
  commit(change: Change, before?: Booking): Promise<CommitResult>;
  /**
   * There is news: a step that runs now will find its write stale, and the booking is due at `now`.
   * Answers false when it is unknown.
   */
  touch(bookingId: string, now: number): Promise<boolean>;
  /** A buyer's bookings, newest first, behind `after`. */
  list(
    buyerId: string,
    after: ListPosition | undefined,
    limit: number,
  ): Promise<readonly Booking[]>;
  /** Bookings of an event that are active or not finished, by id behind `after`. */
  openOfEvent(
    eventId: string,
    after: string | undefined,
    limit: number,
  ): Promise<readonly Booking[]>;
  /** Confirmed bookings, not reminded yet, of those of the events that start in (`from`, `to`]. */
  toRemind(
    eventIds: readonly string[],
    from: number,
    to: number,
    limit: number,
  ): Promise<readonly Booking[]>;
}

import type { CommitResult, InsertResult } from '#adapters/store/bookings.port.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import type { BundleChange } from '#domain/bundle-moves.ts';

/**
 * `exists`: one of the reservations has an active booking; `sold-out`: its package has no more;
 * `promo-refused`, `voucher-refused`: what its order takes is not to be had.
 */
export type BundleResult = CommitResult | Exclude<InsertResult, 'inserted'> | 'sold-out';

export type DueBundle = { readonly bundleId: string; readonly version: number };

/**
 * Bundles, beside the bookings that are their parts. A write that rejects may have happened or not:
 * read again. All times epoch ms.
 */
export interface BundleStore {
  /** `sold-out`: its package has no more; nothing was written. */
  insert(bundle: Bundle): Promise<'inserted' | 'exists' | 'sold-out'>;
  find(bundleId: string): Promise<Bundle | undefined>;
  /** The bundle one of whose attempts has this intent. */
  findByIntent(intentId: string): Promise<Bundle | undefined>;
  /** Its bookings, in the order of their events' ids. */
  bookings(bundleId: string): Promise<readonly Booking[]>;
  /** At most `limit` bundles whose `dueAt` is not after `now`, the longest overdue first. */
  due(now: number, limit: number): Promise<readonly DueBundle[]>;
  /** Makes it the caller's until `dueAt`, if it still has this version. */
  take(due: DueBundle, dueAt: number): Promise<Bundle | undefined>;
  /** All of a change in one transaction, or nothing. */
  commit(change: BundleChange): Promise<BundleResult>;
  /**
   * There is news of its payment: it is due at `now` unless it is done, and so are its bookings that
   * are. Answers false when it is unknown.
   */
  touch(bundleId: string, now: number): Promise<boolean>;
}

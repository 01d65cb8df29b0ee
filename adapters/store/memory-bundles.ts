import type { BundleResult, BundleStore, DueBundle } from '#adapters/store/bundles.port.ts';
import type { MemoryBookings } from '#adapters/store/memory-bookings.ts';
import { type Booking, isLed } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import type { BundleChange } from '#domain/bundle-moves.ts';

/**
 * Bundles in memory beside bookings in memory, for simulation and for tests of the flow: the same
 * rules as the MongoDB store, each call indivisible. A package that is not in `packages` has no
 * limit.
 */
export class MemoryBundles implements BundleStore {
  readonly #bookings: MemoryBookings;
  readonly #bundles = new Map<string, Bundle>();
  /** Package → how many it may have, and has. */
  readonly packages = new Map<string, { readonly limit: number; taken: number }>();

  constructor(bookings: MemoryBookings) {
    this.#bookings = bookings;
  }

  get contents(): readonly Bundle[] {
    return [...this.#bundles.values()];
  }

  async insert(bundle: Bundle): Promise<'inserted' | 'exists' | 'sold-out'> {
    if (this.#bundles.has(bundle.bundleId)) return 'exists';
    if (bundle.counted) {
      if (!this.#fits(bundle.packageId, bundle.quantity)) return 'sold-out';
      this.#count(bundle.packageId, bundle.quantity);
    }
    this.#bundles.set(bundle.bundleId, bundle);
    return 'inserted';
  }

  async find(bundleId: string): Promise<Bundle | undefined> {
    return this.#bundles.get(bundleId);
  }

  async findByIntent(intentId: string): Promise<Bundle | undefined> {
    const has = ({ order }: Bundle) => order?.attempts.some((a) => a.intentId === intentId);
    return this.contents.find((b) => has(b) === true);
  }

  async bookings(bundleId: string): Promise<readonly Booking[]> {
    return this.#bookings.contents.bookings
      .filter(({ bundle }) => bundle?.bundleId === bundleId)
      .sort((a, b) => Number(a.eventId > b.eventId) - Number(a.eventId < b.eventId));
  }

  async due(now: number, limit: number): Promise<readonly DueBundle[]> {
    return this.contents.filter(({ dueAt }) => dueAt !== undefined && dueAt <= now).slice(0, limit);
  }

  async take({ bundleId, version }: DueBundle, dueAt: number): Promise<Bundle | undefined> {
    const found = this.#bundles.get(bundleId);
    if (found?.version !== version) return undefined;
    const taken = { ...found, version: version + 1, dueAt };
    this.#bundles.set(bundleId, taken);
    return taken;
  }

  async commit(change: BundleChange): Promise<BundleResult> {
    const { bundle, expected, members, opened, own, taken } = change;
    if (this.#bundles.get(bundle.bundleId)?.version !== expected) return 'stale';
    if (!this.#fits(bundle.packageId, taken)) return 'sold-out';
    const written = this.#bookings.commitAll(members, 0);
    if (written !== 'done') return written;
    // No change both opens bookings and changes others.
    const refused = this.#bookings.insertAll(opened, opened.length > 0 ? bundle.order : undefined);
    if (refused !== 'inserted') return refused;
    this.#count(bundle.packageId, taken);
    this.#bookings.note(own.entries, own.messages, bundle.updatedAt, 0);
    this.#bookings.claims.giveBack(own.claims);
    this.#bundles.set(bundle.bundleId, bundle);
    return 'done';
  }

  async touch(bundleId: string, now: number): Promise<boolean> {
    const found = this.#bundles.get(bundleId);
    if (found === undefined) return false;
    if (found.dueAt !== undefined) {
      const dueAt = Math.min(found.dueAt, now);
      this.#bundles.set(bundleId, { ...found, version: found.version + 1, dueAt });
    }
    for (const b of await this.bookings(bundleId)) {
      if (b.dueAt !== undefined && !isLed(b)) await this.#bookings.touch(b.bookingId, now);
    }
    return true;
  }

  #fits(packageId: string, quantity: number): boolean {
    const { limit, taken } = this.packages.get(packageId) ?? { limit: Infinity, taken: 0 };
    return quantity <= 0 || taken + quantity <= limit;
  }

  #count(packageId: string, quantity: number): void {
    const count = this.packages.get(packageId);
    if (count !== undefined) count.taken += quantity;
  }
}

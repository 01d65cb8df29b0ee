import type { ClientSession, Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  type BookingDocument,
  collections,
  fromBookingDocument,
  type LedgerDocument,
  type OutboxDocument,
  toBookingDocument,
  toLedgerDocuments,
  toOutboxDocument,
  withoutId,
} from '#adapters/store/booking-documents.ts';
import { BookingWrites, refusalOf, Stale } from '#adapters/store/booking-writes.ts';
import type { BundleResult, BundleStore, DueBundle } from '#adapters/store/bundles.port.ts';
import { claimRefusal, giveBack, takeClaims } from '#adapters/store/claim-writes.ts';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import { type PackageRow, packagesCollection } from '#adapters/store/package-rows.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import type { BundleChange } from '#domain/bundle-moves.ts';
import { limits } from '#domain/limits.ts';

/** `expiresAt`: one that has ended without an order is forgotten with its request's key. */
export type BundleDocument = Omit<Bundle, 'bundleId'> & {
  readonly _id: string;
  readonly expiresAt?: Date;
};

export const bundlesCollection = 'bundles';

const toDocument = ({ bundleId, ...rest }: Bundle): BundleDocument => {
  const over = rest.step === 'done' && rest.order === undefined;
  const until = rest.updatedAt + limits.idempotencyTtlMs;
  return { _id: bundleId, ...rest, ...(over ? { expiresAt: new Date(until) } : {}) };
};

const fromBundleDocument = ({ _id, expiresAt: _, ...rest }: BundleDocument): Bundle => ({
  bundleId: _id,
  ...rest,
});

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Ends a transaction in which a package has no more. */
class SoldOut extends Error {}

/** Creates collections and indexes where they are missing. `prepareBookings` does the others. */
export async function prepareBundles(db: Db): Promise<void> {
  await Promise.all([
    db.collection(bundlesCollection).createIndexes([
      { key: { dueAt: 1 }, partialFilterExpression: { dueAt: { $exists: true } } },
      { key: { packageId: 1 } },
      {
        key: { expiresAt: 1 },
        expireAfterSeconds: 0,
        partialFilterExpression: { expiresAt: { $exists: true } },
      },
      {
        key: { 'order.attempts.intentId': 1 },
        partialFilterExpression: { 'order.attempts.intentId': { $exists: true } },
      },
    ]),
    db.collection(packagesCollection).createIndex({ organizerId: 1, _id: -1 }),
  ]);
}

/** Bundles in MongoDB, their bookings written with them. Call `prepareBundles` first. */
export class MongoBundles implements BundleStore {
  readonly #db: Db;
  readonly #bundles: Collection<BundleDocument>;
  readonly #bookings: Collection<BookingDocument>;
  readonly #writes: BookingWrites;

  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#bundles = db.collection(bundlesCollection);
    this.#bookings = db.collection(collections.bookings);
    this.#writes = new BookingWrites(db, clock);
  }

  async insert(bundle: Bundle): Promise<'inserted' | 'exists' | 'sold-out'> {
    try {
      await this.#transact(async (session) => {
        await this.#bundles.insertOne(toDocument(bundle), { session });
        if (bundle.counted) await this.#count(bundle.packageId, bundle.quantity, session);
      });
      return 'inserted';
    } catch (error) {
      if (isDuplicateKey(error)) return 'exists';
      if (error instanceof SoldOut) return 'sold-out';
      throw error;
    }
  }

  async find(bundleId: string): Promise<Bundle | undefined> {
    return this.#one({ _id: bundleId });
  }

  findByIntent(intentId: string): Promise<Bundle | undefined> {
    return this.#one({ 'order.attempts.intentId': intentId });
  }

  async bookings(bundleId: string): Promise<readonly Booking[]> {
    const query = this.#bookings.find({ refs: bundleId }, bounded);
    const found = await stored(() => query.sort({ eventId: 1 }).toArray());
    return found.map(fromBookingDocument);
  }

  async due(now: number, limit: number): Promise<readonly DueBundle[]> {
    const query = this.#bundles
      .find({ dueAt: { $lte: now } }, bounded)
      .sort({ dueAt: 1 })
      .limit(limit)
      .project<{ _id: string; version: number }>({ version: 1 });
    const found = await stored(() => query.toArray());
    return found.map(({ _id, version }) => ({ bundleId: _id, version }));
  }

  async take({ bundleId, version }: DueBundle, dueAt: number): Promise<Bundle | undefined> {
    const taken = await stored(() =>
      this.#bundles.findOneAndUpdate(
        { _id: bundleId, version },
        { $inc: { version: 1 }, $set: { dueAt } },
        { returnDocument: 'after', ...bounded },
      ),
    );
    return taken === null ? undefined : fromBundleDocument(taken);
  }

  async commit(change: BundleChange): Promise<BundleResult> {
    try {
      await this.#transact((session) => this.#write(change, session));
      return 'done';
    } catch (error) {
      if (error instanceof SoldOut) return 'sold-out';
      // No change both opens bookings and changes others: it is one of the new ones.
      if (isDuplicateKey(error) && change.opened.length > 0) return 'exists';
      const refusal = refusalOf(error) ?? claimRefusal(error);
      if (refusal !== undefined) return refusal;
      throw error;
    }
  }

  async touch(bundleId: string, now: number): Promise<boolean> {
    const news = { $inc: { version: 1 }, $min: { dueAt: now } };
    const open = { dueAt: { $exists: true } };
    await stored(() => this.#bundles.updateOne({ _id: bundleId, ...open }, news, bounded));
    // Those that their bundle leads hear of it through the bundle.
    const own = { refs: bundleId, ...open, status: { $nin: ['pending', 'selling'] } };
    await stored(() => this.#bookings.updateMany(own as object, news, bounded));
    return (await this.find(bundleId)) !== undefined;
  }

  #transact(run: (session: ClientSession) => Promise<void>): Promise<void> {
    return stored(() => inTransaction(this.#db, run));
  }

  async #write(change: BundleChange, session: ClientSession): Promise<void> {
    const { bundle, expected, members, opened, own, taken } = change;
    const filter = { _id: bundle.bundleId, version: expected };
    const replacement = withoutId(toDocument(bundle));
    const { matchedCount } = await this.#bundles.replaceOne(filter, replacement, { session });
    if (matchedCount < 1) throw new Stale();
    if (opened.length > 0) {
      if (bundle.order !== undefined) await takeClaims(this.#db, [bundle.order], session);
      await this.#bookings.insertMany(opened.map(toBookingDocument), { session });
    }
    await this.#writes.write(
      members.map((member) => ({ change: member })),
      session,
      0,
    );
    const entries = toLedgerDocuments(own.entries);
    const ledger = this.#db.collection<LedgerDocument>(collections.ledger);
    if (entries.length > 0) await ledger.insertMany(entries, { session });
    const messages = own.messages.map((m) => toOutboxDocument(m, bundle.updatedAt));
    const outbox = this.#db.collection<OutboxDocument>(collections.outbox);
    if (messages.length > 0) await outbox.insertMany(messages, { session });
    await giveBack(this.#db, own.claims, session);
    if (taken !== 0) await this.#count(bundle.packageId, taken, session);
  }

  async #count(packageId: string, quantity: number, session: ClientSession): Promise<void> {
    const packages = this.#db.collection<PackageRow>(packagesCollection);
    const fits = { $lte: [{ $add: ['$taken', quantity] }, { $ifNull: ['$limit', 1e9] }] };
    const filter = { _id: packageId, ...(quantity > 0 ? { $expr: fits } : {}) };
    const update = { $inc: { taken: quantity } };
    const { matchedCount } = await packages.updateOne(filter as object, update, { session });
    if (matchedCount < 1 && quantity > 0) throw new SoldOut();
  }

  async #one(filter: object): Promise<Bundle | undefined> {
    const found = await stored(() => this.#bundles.findOne(filter, bounded));
    return found === null ? undefined : fromBundleDocument(found);
  }
}

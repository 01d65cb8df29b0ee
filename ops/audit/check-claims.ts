import type { Db } from 'mongodb';
import { type BookingDocument, collections } from '#adapters/store/booking-documents.ts';
import {
  type PromoRow,
  promotionCollections,
  type VoucherRow,
} from '#adapters/store/promotion-rows.ts';
import { isActive } from '#domain/booking.ts';
import type { BookMistake } from '#domain/ledger-check.ts';

const atOnce = 200;

type Kept = Pick<BookingDocument, '_id' | 'status' | 'saleWritten' | 'bill' | 'returns' | 'bundle'>;
const fields = { status: 1, saleWritten: 1, bill: 1, returns: 1, bundle: 1 } as const;

/** A booking that is under way or was sold keeps what it took. */
const keeps = ({ saleWritten, status }: Kept): boolean => saleWritten || isActive(status);

const takenOf = ({ bill, returns }: Kept): number =>
  returns
    .filter((r) => r.to === 'voucher' && r.refund === 'succeeded')
    .reduce((sum, r) => sum - r.amount, bill?.voucher?.amount ?? 0);

/**
 * Holds every voucher's balance and every promo code's count to the bookings that took of them.
 * What differs is looked at once more, by itself: it may have moved meanwhile. Reads only.
 */
export async function checkClaims(db: Db): Promise<readonly BookMistake[]> {
  const { vouchers, promos } = promotionCollections;
  return [
    ...(await lastingDifferences<VoucherRow>(db, vouchers, voucherDifferences)),
    ...(await lastingDifferences<PromoRow>(db, promos, promoDifferences)),
  ];
}

/** What is wrong with rows, by their ids. */
type Differences<T> = (db: Db, rows: readonly T[]) => Promise<ReadonlyMap<string, string>>;

async function lastingDifferences<T extends { readonly _id: string }>(
  db: Db,
  name: string,
  differences: Differences<T>,
): Promise<readonly BookMistake[]> {
  const mistakes: BookMistake[] = [];
  const collection = db.collection<{ readonly _id: string }>(name);
  for await (const batch of batches(collection.find<T>({}).sort({ _id: 1 }))) {
    const ids = [...(await differences(db, batch)).keys()];
    const again = await collection.find<T>({ _id: { $in: ids } }).toArray();
    for (const [about, problem] of await differences(db, again)) mistakes.push({ about, problem });
  }
  return mistakes;
}

async function voucherDifferences(
  db: Db,
  rows: readonly VoucherRow[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const bookings = await bookingsWith(db, rows);
  const taken = Map.groupBy(bookings.filter(keeps), (b) => b.bill?.voucher?.voucherId ?? '');
  for (const { _id, amount, balance } of rows) {
    const left = (taken.get(_id) ?? []).reduce((sum, b) => sum - takenOf(b), amount);
    if (left === balance) continue;
    found.set(_id, `has ${balance} left, ${left} by its bookings`);
  }
  return found;
}

async function promoDifferences(
  db: Db,
  rows: readonly PromoRow[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const bookings = await bookingsWith(db, rows);
  const using = Map.groupBy(bookings.filter(keeps), (b) => b.bill?.promo?.promoId ?? '');
  for (const { _id, used } of rows) {
    // The bookings of a package have one use together.
    const uses = new Set((using.get(_id) ?? []).map((b) => b.bundle?.bundleId ?? b._id));
    const count = uses.size;
    if (count !== used) found.set(_id, `is counted ${used} times, ${count} by its bookings`);
  }
  return found;
}

async function bookingsWith(
  db: Db,
  rows: readonly { readonly _id: string }[],
): Promise<readonly Kept[]> {
  if (rows.length === 0) return [];
  return db
    .collection<BookingDocument>(collections.bookings)
    .find({ refs: { $in: rows.map(({ _id }) => _id) } })
    .project<Kept>(fields)
    .toArray();
}

async function* batches<T>(rows: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < atOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

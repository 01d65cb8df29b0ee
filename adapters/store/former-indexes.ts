import type { Collection } from 'mongodb';
import { type BookingDocument, freeRef } from '#adapters/store/booking-documents.ts';
import { dropUnused } from '#adapters/store/mongo.ts';

/** So many are filled in with one command, which the driver waits for. */
const atOnce = 5_000;

/** An index of its own that a database may still have, and the entry of a list in its stead. */
const former = [
  {
    index: 'reservationId_1',
    of: { active: true },
    list: 'keys',
    entry: '$reservationId',
  },
  {
    index: 'complimentary_of_event',
    of: { 'bill.by': 'complimentary' },
    list: 'refs',
    entry: { $concat: [freeRef(''), '$eventId'] },
  },
  {
    index: 'bundle.bundleId_1',
    of: { 'bundle.bundleId': { $exists: true } },
    list: 'refs',
    entry: '$bundle.bundleId',
  },
  {
    index: 'buyerId_1_createdAt_-1__id_-1',
    of: {},
    list: 'refs',
    entry: '$buyerId',
  },
] as const;

/**
 * Gives bookings that lack them their entries in `keys` and `refs`, then drops the indexes for which
 * these stand. May be called by several nodes at once, and again after one that was cut off: an
 * entry is written only where it is missing.
 */
export async function intoLists(bookings: Collection<BookingDocument>): Promise<void> {
  const there = new Set((await bookings.indexes()).map(({ name }) => name));
  for (const { index, of, list, entry } of former) {
    if (!there.has(index)) continue;
    const known = { $ifNull: [`$${list}`, []] };
    const lacking = { ...of, $expr: { $not: [{ $in: [entry, known] }] } };
    await fillIn(bookings, lacking, { [list]: { $concatArrays: [known, [entry]] } });
    await dropUnused(bookings, [index]);
  }
}

/** Goes through the bookings by their ids. */
async function fillIn(
  bookings: Collection<BookingDocument>,
  lacking: object,
  fields: object,
): Promise<void> {
  let after = '';
  for (;;) {
    const found = await bookings
      .find({ ...lacking, _id: { $gt: after } }, { batchSize: atOnce + 1 })
      .project<{ _id: string }>({ _id: 1 })
      .sort({ _id: 1 })
      .limit(atOnce)
      .toArray();
    const ids = found.map(({ _id }) => _id);
    const last = ids.at(-1);
    if (last === undefined) return;
    await bookings.updateMany({ ...lacking, _id: { $in: ids } }, [{ $set: fields }]);
    after = last;
  }
}

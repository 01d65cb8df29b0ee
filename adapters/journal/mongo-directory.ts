import type { Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { isDuplicateKey, timed, truthful } from '#adapters/journal/mongo-keys.ts';
import type { Directory, DirectoryRow } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

type RowDocument = Omit<DirectoryRow, 'eventId'> & { readonly _id: string };

const blank = {
  seq: 0,
  snapshotSeq: 0,
  counts: { available: 0, reserved: 0, sold: 0, blocked: 0 },
  nextExpiry: null,
} as const;

/** The directory in MongoDB, collection `inventories`. */
export function createMongoDirectory(db: Db, limits: Limits, clock: Clock): Directory {
  const inTime = timed(clock, limits.databaseTimeoutMs);
  const rows = db.collection<RowDocument>('inventories', truthful(limits));
  return {
    async setLive(eventId, owner, incarnation, epoch) {
      try {
        await inTime(() =>
          rows.updateOne(
            { _id: eventId, epoch: { $lte: epoch } },
            { $set: { owner, incarnation, live: true, epoch }, $setOnInsert: blank },
            { upsert: true },
          ),
        );
      } catch (error) {
        // The upsert meets a row that it did not match: one of a higher epoch, which stays.
        if (!isDuplicateKey(error)) throw error;
        const row = await inTime(() => rows.findOne({ _id: eventId }));
        if (row === null || row.epoch <= epoch) throw error;
      }
    },
    async clearLive(eventId, epoch) {
      const gone = { live: false, owner: null, incarnation: null };
      await inTime(() => rows.updateOne({ _id: eventId, epoch }, { $set: gone }));
    },
    async refresh(changed) {
      if (changed.length === 0) return;
      const updates = changed.map(({ eventId, live: _, ...row }) => ({
        updateOne: { filter: { _id: eventId, epoch: row.epoch }, update: { $set: row } },
      }));
      await inTime(() => rows.bulkWrite(updates, { ordered: false }));
    },
    async find(eventId) {
      const row = await inTime(() => rows.findOne({ _id: eventId }));
      return row === null ? undefined : rowOf(row);
    },
    async live(afterEventId, limit) {
      const page = rows.find({ live: true, _id: { $gt: afterEventId } }).sort({ _id: 1 });
      const found = await inTime(() => page.limit(limit).toArray());
      return found.map(rowOf);
    },
    async forgettable(now, afterEventId, limit) {
      const page = rows.find({ forgetAt: { $lte: now }, _id: { $gt: afterEventId } });
      const found = await inTime(() => page.sort({ _id: 1 }).limit(limit).toArray());
      return found.map(rowOf);
    },
  };
}

const rowOf = ({ _id, ...row }: RowDocument): DirectoryRow => ({ eventId: _id, ...row });

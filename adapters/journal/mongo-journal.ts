import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  isDuplicateKey,
  keyOf,
  keysFrom,
  type Timed,
  timed,
  truthful,
} from '#adapters/journal/mongo-keys.ts';
import type { Entry, Journal } from '#adapters/journal/port.ts';
import { assertStorable } from '#adapters/journal/storable.ts';
import type { Limits } from '#domain/limits.ts';

type EntryDocument = Entry & { readonly _id: string };

/** Entries that one step of a compaction copies and empties, and steps of one call. */
const compaction = { entries: 100, steps: 50 } as const;
/** Keys that one step of forgetting deletes, and steps of one call. */
const forgetting = { keys: 500, steps: 10 } as const;

/** The journal in MongoDB; see the port for what each call means. */
export function createMongoJournal(db: Db, limits: Limits, clock: Clock): Journal {
  const options = truthful(limits);
  const inTime = timed(clock, limits.databaseTimeoutMs);
  const journal = db.collection<EntryDocument>('journal', options);
  const archive = db.collection<EntryDocument>('journal_archive', options);
  const page = (eventId: string, fromSeq: number, limit: number): Promise<EntryDocument[]> =>
    inTime(() => journal.find(keysFrom(eventId, fromSeq)).sort({ _id: 1 }).limit(limit).toArray());

  return {
    async append(entry) {
      const document = { _id: keyOf(entry.eventId, entry.seq), ...entry };
      await inTime(() => journal.insertOne(document));
    },
    async read(eventId, seq) {
      const found = await inTime(() => journal.findOne({ _id: keyOf(eventId, seq) }));
      return found === null ? undefined : entryOf(found);
    },
    async exists(eventId, seq) {
      // One exact key, no session of the caller's: what linearizable asks for.
      const found = await inTime(() =>
        journal.findOne(
          { _id: keyOf(eventId, seq) },
          {
            projection: { _id: 1 },
            readConcern: { level: 'linearizable' },
            maxTimeMS: limits.databaseTimeoutMs,
          },
        ),
      );
      return found !== null;
    },
    async head(eventId) {
      const [last] = await inTime(() => newest(journal, eventId));
      return last && entryOf(last);
    },
    async replay(eventId, fromSeq, limit) {
      return (await page(eventId, fromSeq, limit)).map(entryOf);
    },
    assertStorable,
    async compact(eventId, upTo, olderThan) {
      let emptied = 0;
      for (let step = 0; step < compaction.steps; step++) {
        const count = await compactStep({ inTime, journal, archive }, eventId, upTo, olderThan);
        emptied += count;
        if (count < compaction.entries) break;
      }
      return emptied;
    },
    async forget(eventId, below, olderThan) {
      let deleted = 0;
      for (let step = 0; step < forgetting.steps; step++) {
        const count = await forgetStep({ inTime, journal, archive }, eventId, below, olderThan);
        deleted += count;
        if (count < forgetting.keys) break;
      }
      return deleted;
    },
    async history(eventId, fromSeq, limit) {
      // The journal first: what leaves it meanwhile is in the archive already.
      const entries = await page(eventId, fromSeq, limit);
      const bodies = await inTime(() =>
        archive.find(keysFrom(eventId, fromSeq)).sort({ _id: 1 }).limit(limit).toArray(),
      );
      const byId = new Map(bodies.map((body) => [body._id, body]));
      for (const e of entries) if (!byId.has(e._id)) byId.set(e._id, e);
      const first = [...byId.values()].sort((a, b) => a.seq - b.seq).slice(0, limit);
      return first.map((e) => entryOf(withBody(e)));
    },
  };
}

type CompactionDeps = {
  readonly inTime: Timed;
  readonly journal: Collection<EntryDocument>;
  readonly archive: Collection<EntryDocument>;
};

const newest = (of: Collection<EntryDocument>, eventId: string): Promise<EntryDocument[]> =>
  of.find(keysFrom(eventId, 0)).sort({ _id: -1 }).limit(1).toArray();

/** Empties the oldest bodies that still stand, once they are surely in the archive. */
async function compactStep(
  { inTime, journal, archive }: CompactionDeps,
  eventId: string,
  upTo: number,
  olderThan: number,
): Promise<number> {
  // Bodies go in order: all below the last archived one but those of its step are empty.
  const [last] = await inTime(() => newest(archive, eventId));
  const from = Math.max(1, (last?.seq ?? 0) - compaction.entries);
  const standing = journal.find({
    _id: { $gte: keyOf(eventId, from), $lte: keyOf(eventId, upTo) },
    at: { $lt: olderThan },
    compacted: { $ne: true },
  });
  const entries = await inTime(() => standing.sort({ _id: 1 }).limit(compaction.entries).toArray());
  if (entries.length === 0) return 0;
  const ids = entries.map((entry) => entry._id);
  try {
    await inTime(() => archive.insertMany(entries, { ordered: false }));
  } catch (error) {
    // Another owner may have copied some; what counts is read back below.
    if (!isDuplicateKey(error)) throw error;
  }
  const copied = await inTime(() => archive.countDocuments({ _id: { $in: ids } }));
  if (copied < ids.length) throw new Error(`the archive of ${eventId} lacks entries`);
  const emptied = { $set: { facts: '', compacted: true } };
  await inTime(() => journal.updateMany({ _id: { $in: ids } }, emptied));
  return ids.length;
}

/** Deletes the oldest keys up to the first that must stay. */
async function forgetStep(
  { inTime, journal, archive }: CompactionDeps,
  eventId: string,
  below: number,
  olderThan: number,
): Promise<number> {
  const [head] = await inTime(() => newest(journal, eventId));
  const end = keyOf(eventId, Math.min(below, head?.seq ?? 0));
  const oldest = journal.find({ _id: { $gte: keyOf(eventId, 0), $lt: end } });
  const entries = await inTime(() => oldest.sort({ _id: 1 }).limit(forgetting.keys).toArray());
  const stays = entries.findIndex((e) => e.compacted !== true || e.at >= olderThan);
  const ids = entries.slice(0, stays < 0 ? entries.length : stays).map((e) => e._id);
  if (ids.length === 0) return 0;
  const bodies = archive.find({ _id: { $in: ids }, facts: { $gt: '' } });
  const kept = await inTime(() => bodies.project({ _id: 1 }).toArray());
  if (kept.length < ids.length) throw new Error(`the archive of ${eventId} lacks entries`);
  await inTime(() => journal.deleteMany({ _id: { $in: ids }, compacted: true }));
  return ids.length;
}

const entryOf = ({ _id, ...entry }: EntryDocument): Entry => entry;

function withBody(entry: EntryDocument): EntryDocument {
  if (entry.compacted === true) throw new Error(`no body of ${entry._id}`);
  return entry;
}

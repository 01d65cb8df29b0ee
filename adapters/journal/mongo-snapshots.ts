import { createHash } from 'node:crypto';
import { Binary, type Collection, type Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  isDuplicateKey,
  keyOf,
  keysFrom,
  type Timed,
  timed,
  truthful,
} from '#adapters/journal/mongo-keys.ts';
import type { Snapshots } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

type Header = {
  readonly _id: string;
  readonly eventId: string;
  readonly seq: number;
  /** With the seq it names the chunks: an epoch has one owner, who writes the same bytes again. */
  readonly epoch: number;
  readonly chunks: number;
  readonly sha256: string;
};

type Chunk = { readonly _id: string; readonly bytes: Binary };

/** Complete snapshots that are kept; a reader may still be busy with the one before. */
const keptMax = 2;
const triesMax = 3;

const chunkKey = (header: Header, index: number): string =>
  `${header._id}:${header.epoch}:${String(index).padStart(4, '0')}`;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Snapshots in MongoDB: the header is written last, so what has a header is complete. */
export function createMongoSnapshots(db: Db, limits: Limits, clock: Clock): Snapshots {
  const options = truthful(limits);
  const inTime = timed(clock, limits.databaseTimeoutMs);
  const headers = db.collection<Header>('snapshots', options);
  const chunks = db.collection<Chunk>('snapshot_chunks', options);

  return {
    async save(eventId, seq, epoch, bytes) {
      // Room for the key and the document around the bytes.
      const size = limits.snapshotChunkBytesMax - 1_000;
      const count = Math.max(1, Math.ceil(bytes.length / size));
      const _id = keyOf(eventId, seq);
      const header: Header = { _id, eventId, seq, epoch, chunks: count, sha256: sha256(bytes) };
      for (let i = 0; i < count; i++) {
        const part = new Binary(bytes.subarray(i * size, (i + 1) * size));
        const key = { _id: chunkKey(header, i) };
        await inTime(() => chunks.replaceOne(key, { bytes: part }, { upsert: true }));
      }
      try {
        await inTime(() => headers.insertOne(header));
      } catch (error) {
        // A complete one of the same seq holds the same state.
        if (!isDuplicateKey(error)) throw error;
      }
      const kept = await inTime(() => headers.findOne({ _id }));
      if (kept === null) throw new Error(`${_id} was not kept`);
      await removeOlder(inTime, headers, chunks, eventId);
    },
    async load(eventId) {
      for (let tries = 0; tries < triesMax; tries++) {
        const [header] = await inTime(() => newest(headers, eventId, 1));
        if (header === undefined) return undefined;
        const bytes = await assembled(inTime, chunks, header);
        // Otherwise it was removed meanwhile, so there is a newer one.
        if (bytes !== undefined) return { seq: header.seq, bytes };
      }
      throw new Error(`the snapshots of ${eventId} are damaged`);
    },
    removeBelow: (eventId, seq) =>
      removeBelow(inTime, headers, chunks, eventId, keyOf(eventId, seq)),
  };
}

const newest = (headers: Collection<Header>, eventId: string, count: number): Promise<Header[]> =>
  headers.find(keysFrom(eventId, 0)).sort({ _id: -1 }).limit(count).toArray();

async function assembled(
  inTime: Timed,
  chunks: Collection<Chunk>,
  header: Header,
): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < header.chunks; i++) {
    const chunk = await inTime(() => chunks.findOne({ _id: chunkKey(header, i) }));
    if (chunk === null) return undefined;
    parts.push(chunk.bytes.value());
  }
  const bytes = Buffer.concat(parts);
  return sha256(bytes) === header.sha256 ? bytes : undefined;
}

/** Removes what stands below the kept ones, chunks that never got their header among it. */
async function removeOlder(
  inTime: Timed,
  headers: Collection<Header>,
  chunks: Collection<Chunk>,
  eventId: string,
): Promise<void> {
  const oldest = (await inTime(() => newest(headers, eventId, keptMax))).at(-1);
  if (oldest !== undefined) await removeBelow(inTime, headers, chunks, eventId, oldest._id);
}

async function removeBelow(
  inTime: Timed,
  headers: Collection<Header>,
  chunks: Collection<Chunk>,
  eventId: string,
  key: string,
): Promise<void> {
  const below = { _id: { $gte: keyOf(eventId, 0), $lt: key } };
  await inTime(() => headers.deleteMany(below));
  await inTime(() => chunks.deleteMany(below));
}

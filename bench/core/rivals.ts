import { Redis } from 'ioredis';
import { type Collection, type Db, type Document, MongoClient, MongoServerError } from 'mongodb';
import type { CommitLatency, Engine, Order } from '#bench/core/engine.ts';

const eventId = 'the-event';

type Store = { readonly client: MongoClient; readonly db: Db };

/** The drivers' settings that served the rivals best: a pool as wide as the widest sweep. */
async function connectTo(uri: string): Promise<Store> {
  const client = new MongoClient(uri, {
    writeConcern: { w: 'majority', journal: true },
    maxPoolSize: 64,
    minPoolSize: 64,
  });
  await client.connect();
  return { client, db: client.db('usher_bench_rivals') };
}

const isDuplicate = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 11_000;

/** Runs `work` in a transaction with the driver's own retries; false on a taken seat. */
async function inTransaction(
  { client }: Store,
  work: (session: import('mongodb').ClientSession) => Promise<void>,
): Promise<boolean> {
  const session = client.startSession();
  try {
    await session.withTransaction(() => work(session), {
      readConcern: { level: 'snapshot' },
      writeConcern: { w: 'majority', journal: true },
    });
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  } finally {
    await session.endSession();
  }
}

type Parts = {
  readonly name: string;
  readonly collection: string;
  prepare(store: Store, reservations: Collection, seats: number): Promise<void>;
  reserve(store: Store, reservations: Collection, seat: number, buyer: string): Promise<boolean>;
  /** Which documents are reservations. */
  readonly reserved?: Document;
};

async function rival(uri: string, latency: CommitLatency, parts: Parts): Promise<Engine> {
  const store = await connectTo(uri);
  const reservations = store.db.collection(parts.collection);
  let orders: readonly Order[] = [];
  return {
    name: parts.name,
    async prepare(seats, ordersOfRun) {
      orders = ordersOfRun;
      await reservations.drop().catch(() => false);
      await parts.prepare(store, reservations, seats);
    },
    async reserve(turn) {
      const { seat, buyer } = orders[turn] as Order;
      const taken = await parts.reserve(store, reservations, seat, buyer);
      await latency();
      return taken;
    },
    async count() {
      const filter = parts.reserved ?? {};
      const distinct = await reservations
        .aggregate([{ $match: filter }, { $group: { _id: '$seat' } }, { $count: 'n' }])
        .toArray();
      return {
        reservations: await reservations.countDocuments(filter),
        distinctSeats: Number(distinct[0]?.n ?? 0),
      };
    },
    close: () => store.client.close(),
  };
}

const uniqueSeat = async (_: Store, reservations: Collection): Promise<void> => {
  await reservations.createIndex({ eventId: 1, seat: 1 }, { unique: true });
};

const document = (seat: number, buyer: string): Document => ({
  eventId,
  seat,
  buyer,
  status: 'held',
  at: new Date(),
});

/** A: a Redis lock a seat (`SET NX EX`), then a transaction that writes the reservation. */
export async function redisLock(uri: string, redisUrl: string, latency: CommitLatency) {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1, commandTimeout: 2_000 });
  const engine = await rival(uri, latency, {
    name: 'A redis lock + transaction',
    collection: 'a',
    async prepare(store, reservations) {
      await redis.flushdb();
      await uniqueSeat(store, reservations);
    },
    async reserve(store, reservations, seat, buyer) {
      const locked = await redis.set(`seat:${eventId}:${seat}`, buyer, 'EX', 600, 'NX');
      if (locked === null) return false;
      return inTransaction(store, async (session) => {
        await reservations.insertOne(document(seat, buyer), { session });
      });
    },
  });
  return {
    ...engine,
    async close() {
      redis.disconnect();
      await engine.close();
    },
  } satisfies Engine;
}

/** B: one document a seat, taken by `findOneAndUpdate` on its status. */
export const seatDocument = (uri: string, latency: CommitLatency): Promise<Engine> =>
  rival(uri, latency, {
    name: 'B findOneAndUpdate of a seat',
    collection: 'b',
    reserved: { status: 'held' },
    async prepare(_, reservations, seats) {
      await reservations.createIndex({ eventId: 1, seat: 1 }, { unique: true });
      const all = Array.from({ length: seats }, (_, seat) => ({ eventId, seat, status: 'free' }));
      await reservations.insertMany(all, { ordered: false });
    },
    async reserve(_, reservations, seat, buyer) {
      const found = await reservations.findOneAndUpdate(
        { eventId, seat, status: 'free' },
        { $set: { status: 'held', buyer, at: new Date() } },
      );
      return found !== null;
    },
  });

/** C: a plain insert under a unique index on the seat. */
export const uniqueInsert = (uri: string, latency: CommitLatency): Promise<Engine> =>
  rival(uri, latency, {
    name: 'C insert under a unique index',
    collection: 'c',
    prepare: uniqueSeat,
    async reserve(_, reservations, seat, buyer) {
      try {
        await reservations.insertOne(document(seat, buyer));
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
  });

/** C': the insert of C inside a transaction. */
export const uniqueInsertInTransaction = (uri: string, latency: CommitLatency): Promise<Engine> =>
  rival(uri, latency, {
    name: "C' insert in a transaction",
    collection: 'c_tx',
    prepare: uniqueSeat,
    reserve: (store, reservations, seat, buyer) =>
      inTransaction(store, async (session) => {
        await reservations.insertOne(document(seat, buyer), { session });
      }),
  });

/** D: a transaction that writes the reservation and keeps the event's count. */
export const countedTransaction = (uri: string, latency: CommitLatency): Promise<Engine> =>
  rival(uri, latency, {
    name: "D transaction with the event's count",
    collection: 'd',
    async prepare(store, reservations, seats) {
      await uniqueSeat(store, reservations);
      const events = store.db.collection<{ _id: string; free: number }>('d_events');
      await events.replaceOne({ _id: eventId }, { free: seats }, { upsert: true });
    },
    reserve: (store, reservations, seat, buyer) =>
      inTransaction(store, async (session) => {
        const events = store.db.collection<{ _id: string; free: number }>('d_events');
        await events.updateOne(
          { _id: eventId, free: { $gt: 0 } },
          { $inc: { free: -1 } },
          { session },
        );
        await reservations.insertOne(document(seat, buyer), { session });
      }),
  });

import { type CollectionOptions, type Filter, MongoServerError } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { Limits } from '#domain/limits.ts';

const padded = (seq: number): string => String(seq).padStart(12, '0');

/** `<eventId>:<seq, 12 digits>`: sorts like the seq. */
export const keyOf = (eventId: string, seq: number): string => `${eventId}:${padded(seq)}`;

/** Keys of an event from one seq on. `;` is the character behind `:`. */
export const keysFrom = (eventId: string, seq: number): Filter<{ _id: string }> => ({
  _id: { $gte: keyOf(eventId, seq), $lt: `${eventId};` },
});

/** The truth is read with majority on the primary and written with majority and journal. */
export const truthful = (limits: Pick<Limits, 'databaseTimeoutMs'>): CollectionOptions => ({
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  writeConcern: { w: 'majority', journal: true, wtimeoutMS: limits.databaseTimeoutMs },
});

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === 11_000;

/** Runs one database call; rejects when it has not ended in time, whatever becomes of it then. */
export type Timed = <T>(call: () => Promise<T>) => Promise<T>;

/** The driver bounds only parts of a call (connecting, queueing, the server's own work). */
export const timed =
  (clock: Clock, ms: number): Timed =>
  (call) =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
      call().finally(cancel).then(resolve, reject);
    });

import type { Collection, Db } from 'mongodb';
import { type BookingDocument, collections } from '#adapters/store/booking-documents.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';
import {
  type BacklogItem,
  type BacklogSum,
  BacklogTally,
  backlogItem,
} from '#domain/payment-backlog.ts';

export type Backlog = {
  readonly count: number;
  readonly oldestMs: number;
  readonly sums: readonly BacklogSum[];
  /** The oldest. */
  readonly items: readonly BacklogItem[];
  /** False: there are more than were counted. */
  readonly complete: boolean;
};

const countedMax = 50_000;
const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Payments that are not final, from the bookings whose flow has not ended. Reads only. */
export class BacklogReader {
  readonly #bookings: Collection<BookingDocument>;

  constructor(db: Db) {
    this.#bookings = db.collection(collections.bookings);
  }

  /** Those that are older than `olderThanMs`, the oldest `shown` of them by name. */
  async read(now: number, olderThanMs: number, shown: number): Promise<Backlog> {
    const late = { dueAt: { $exists: true }, createdAt: { $lte: now - olderThanMs } } as const;
    const tally = new BacklogTally();
    const items: BacklogItem[] = [];
    let read = 0;
    await stored(async () => {
      const found = this.#bookings.find(late, options).sort({ createdAt: 1 }).limit(countedMax);
      const projection = { event: 0, seats: 0, attendees: 0 } as const;
      for await (const { _id: bookingId, ...rest } of found.project<BookingDocument>(projection)) {
        read++;
        const item = backlogItem({ bookingId, ...rest });
        if (item === undefined || item.since > now - olderThanMs) continue;
        tally.add(item);
        items.push(item);
      }
    });
    items.sort((a, b) => a.since - b.since);
    const [oldest] = items;
    return {
      count: tally.count,
      oldestMs: oldest === undefined ? 0 : Math.max(0, now - oldest.since),
      sums: tally.sums(now),
      items: items.slice(0, shown),
      complete: read < countedMax,
    };
  }
}

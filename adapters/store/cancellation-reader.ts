import type { Collection, Db } from 'mongodb';
import { type BookingDocument, collections } from '#adapters/store/booking-documents.ts';
import { stored } from '#adapters/store/failures.ts';
import { idsOfEvent } from '#adapters/store/id-ranges.ts';
import { withTheEvent } from '#domain/event-sweep.ts';
import { limits } from '#domain/limits.ts';

/** How far the cancellation of an event's bookings is; amounts in minor units. */
export type CancellationFigures = {
  /** Bookings that had something to give back, or still have. */
  readonly total: number;
  /** Of these, with nothing left to do. */
  readonly done: number;
  /** Of these, with a refund that the provider has failed for good. */
  readonly failed: number;
  /** Of these, waiting for the end of a dispute. */
  readonly disputed: number;
  readonly refunded: number;
  /** On its way back. */
  readonly pending: number;
  readonly currency: string | undefined;
};

const none: CancellationFigures = {
  total: 0,
  done: 0,
  failed: 0,
  disputed: 0,
  refunded: 0,
  pending: 0,
  currency: undefined,
};

const ofEvent = { $eq: ['$$r.by', withTheEvent.actor] };
const within = (refund: string) => ({
  $filter: {
    input: '$returns',
    as: 'r',
    cond: { $and: [ofEvent, { $eq: ['$$r.refund', refund] }] },
  },
});
const amountOf = (refund: string) => ({
  $sum: { $map: { input: within(refund), in: '$$this.amount' } },
});
const countIf = (condition: object) => ({ $sum: { $cond: [condition, 1, 0] } });
const resting = { $in: ['$step', ['done', 'owing']] };
const over = { $eq: ['$reason', withTheEvent.reason] };

/** Counts what has become of an event's bookings since it was cancelled. Reads only. */
export class CancellationReader {
  readonly #bookings: Collection<BookingDocument>;

  constructor(db: Db) {
    this.#bookings = db.collection(collections.bookings);
  }

  async figures(eventId: string): Promise<CancellationFigures> {
    const pipeline = [
      {
        $match: {
          _id: idsOfEvent(eventId),
          $or: [{ active: true }, { reason: withTheEvent.reason }],
        },
      },
      {
        $group: {
          _id: null,
          total: { $sum: 1 },
          done: countIf({ $and: [over, { $eq: ['$step', 'done'] }] }),
          failed: countIf({ $gt: [{ $size: within('failed') }, 0] }),
          disputed: countIf({ $and: ['$active', '$cancelRequested', resting] }),
          refunded: { $sum: amountOf('succeeded') },
          pending: { $sum: amountOf('pending') },
          currency: { $first: '$quote.currency' },
        },
      },
      { $project: { _id: 0 } },
    ];
    const options = { maxTimeMS: limits.databaseTimeoutMs } as const;
    const query = this.#bookings.aggregate<CancellationFigures>(pipeline, options);
    const [found] = await stored(() => query.toArray());
    return found ?? none;
  }
}

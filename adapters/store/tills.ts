import type { Collection, Db } from 'mongodb';
import {
  type BookingDocument,
  collections,
  freeRef,
  type LedgerDocument,
} from '#adapters/store/booking-documents.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import { calledAfterThoseOf } from '#adapters/store/id-ranges.ts';
import { limits } from '#domain/limits.ts';
import type { Given, TillMove } from '#domain/till.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** What a till report is about. `from`, `to`: epoch ms; `to` does not belong to it. */
export type TillScope = {
  readonly eventIds: readonly string[];
  readonly staffId?: string | undefined;
  readonly from: number;
  readonly to: number;
  /** IANA zone that days are of. */
  readonly zone: string;
};

/** What the box offices took and gave, by staff member and day. Reads only. */
export class TillReader {
  readonly #ledger: Collection<LedgerDocument>;
  readonly #bookings: Collection<BookingDocument>;
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#ledger = db.collection(collections.ledger);
    this.#bookings = db.collection(collections.bookings);
    this.#events = db.collection('events');
  }

  /** The organizer of an event. */
  async organizerOf(eventId: string): Promise<string | undefined> {
    const options = { ...bounded, projection: { organizerId: 1 } } as const;
    const found = await stored(() => this.#events.findOne({ _id: eventId }, options));
    return found?.organizerId;
  }

  /** Cash that moved, and what vouchers paid, from the ledger. */
  async moves({ eventIds, staffId, from, to, zone }: TillScope): Promise<readonly TillMove[]> {
    const day = { $dateToString: { date: { $toDate: '$at' }, format: '%Y-%m-%d', timezone: zone } };
    const pipeline = [
      {
        $match: {
          _id: calledAfterThoseOf(eventIds),
          by: staffId ?? { $exists: true },
          at: { $gte: from, $lt: to },
        },
      },
      { $unwind: '$postings' },
      {
        $match: {
          $or: [{ 'postings.debit': { $in: ['till', 'vouchers'] } }, { 'postings.credit': 'till' }],
        },
      },
      {
        $group: {
          _id: { staffId: '$by', day, currency: '$currency', debit: '$postings.debit' },
          amount: { $sum: '$postings.amount' },
          count: { $sum: 1 },
        },
      },
    ];
    type Row = {
      readonly _id: Omit<TillMove, 'amount' | 'count' | 'what'> & { readonly debit: string };
      readonly amount: number;
      readonly count: number;
    };
    const found = await stored(() => this.#ledger.aggregate<Row>(pipeline, bounded).toArray());
    return found.map(({ _id: { debit, ...rest }, amount, count }) => ({
      ...rest,
      what: debit === 'till' ? 'taken' : debit === 'vouchers' ? 'voucher' : 'paid-out',
      amount,
      count,
    }));
  }

  /** What was given for nothing, from the bookings. */
  async given({ eventIds, staffId, from, to, zone }: TillScope): Promise<readonly Given[]> {
    const at = { $toDate: '$createdAt' };
    const day = { $dateToString: { date: at, format: '%Y-%m-%d', timezone: zone } };
    const pipeline = [
      {
        $match: {
          refs: { $in: eventIds.map(freeRef) },
          saleWritten: true,
          createdAt: { $gte: from, $lt: to },
          ...(staffId === undefined ? {} : { 'bill.counter.staffId': staffId }),
        },
      },
      {
        $group: {
          _id: { staffId: '$bill.counter.staffId', day, currency: '$quote.currency' },
          sales: { $sum: 1 },
          tickets: { $sum: { $size: '$seats' } },
          faceValue: { $sum: '$bill.counter.faceValue' },
        },
      },
    ];
    type Row = {
      readonly _id: Pick<Given, 'staffId' | 'day' | 'currency'>;
      readonly sales: number;
      readonly tickets: number;
      readonly faceValue: number;
    };
    const found = await stored(() => this.#bookings.aggregate<Row>(pipeline, bounded).toArray());
    return found.map(({ _id, ...counts }) => ({ ..._id, ...counts }));
  }
}

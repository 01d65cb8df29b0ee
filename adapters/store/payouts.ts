import type { Collection, Db } from 'mongodb';
import { collections, type LedgerDocument } from '#adapters/store/booking-documents.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import { calledAfterThoseOf } from '#adapters/store/id-ranges.ts';
import { limits } from '#domain/limits.ts';
import type { Movement } from '#domain/payout.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

export type Period = {
  /** Epoch ms; `to` does not belong to it. */
  readonly from: number;
  readonly to: number;
  readonly currency?: string | undefined;
};

export type ReportedEvent = { readonly eventId: string; readonly title: string };

/** Which events belong to whom, and what the ledger says of them. Reads only. */
export class PayoutReader {
  readonly #ledger: Collection<LedgerDocument>;
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#ledger = db.collection(collections.ledger);
    this.#events = db.collection('events');
  }

  /** Events of these organizers (undefined: of all) by id, the oldest first, behind `after`. */
  async events(
    organizerIds: readonly string[] | undefined,
    after: string | undefined,
    limit: number,
  ): Promise<readonly ReportedEvent[]> {
    const whose = organizerIds === undefined ? {} : { organizerId: { $in: [...organizerIds] } };
    const behind = after === undefined ? {} : { _id: { $gt: after } };
    const query = this.#events
      .find({ ...whose, ...behind }, bounded)
      .sort({ _id: 1 })
      .limit(limit)
      .project<{ _id: string; title: string }>({ title: 1 });
    const found = await stored(() => query.toArray());
    return found.map(({ _id, title }) => ({ eventId: _id, title }));
  }

  /** The postings of these events within the period, added up between each two accounts. */
  async movements(eventIds: readonly string[], period: Period): Promise<readonly Movement[]> {
    const { from, to, currency } = period;
    const match = {
      _id: calledAfterThoseOf(eventIds),
      at: { $gte: from, $lt: to },
      ...(currency === undefined ? {} : { currency }),
    };
    const key = {
      eventId: '$eventId',
      currency: '$currency',
      debit: '$postings.debit',
      credit: '$postings.credit',
    };
    const pipeline = [
      { $match: match },
      { $unwind: '$postings' },
      { $group: { _id: key, amount: { $sum: '$postings.amount' } } },
    ];
    const grouped = this.#ledger.aggregate<{
      _id: Omit<Movement, 'amount'>;
      amount: number;
    }>(pipeline, bounded);
    const found = await stored(() => grouped.toArray());
    return found.map(({ _id, amount }) => ({ ..._id, amount }));
  }
}

import type { Collection, Db } from 'mongodb';
import type { EventNotice, EventNotices } from '#adapters/store/event-notices.port.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/** The waiting news in the documents of `events`. */
export class MongoEventNotices implements EventNotices {
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#events = db.collection('events');
  }

  async take(now: number, againAt: number): Promise<EventNotice | undefined> {
    const row = await stored(() =>
      this.#events.findOneAndUpdate(
        { noticesDueAt: { $lte: now } },
        { $set: { noticesDueAt: againAt } },
        { sort: { noticesDueAt: 1 }, projection: { notices: 1, changesApplied: 1 }, ...bounded },
      ),
    );
    const [notice] = row?.notices ?? [];
    if (row === null || notice === undefined) return undefined;
    const { no, body, after } = notice;
    return { eventId: row._id, no, body, ready: row.changesApplied >= after };
  }

  async done(eventId: string, no: number, now: number): Promise<void> {
    const rest = { $filter: { input: '$notices', cond: { $gt: ['$$this.no', no] } } };
    await stored(() =>
      this.#events.updateOne({ _id: eventId, 'notices.0.no': no }, [
        { $set: { notices: rest } },
        {
          $set: { noticesDueAt: { $cond: [{ $gt: [{ $size: '$notices' }, 0] }, now, '$$REMOVE'] } },
        },
      ]),
    );
  }
}

import type { Collection, Db } from 'mongodb';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

/** Which events start when, as the catalogue says. Reads only. */
export class EventStarts {
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#events = db.collection('events');
  }

  /** Ids of events that start in (`from`, `to`], epoch ms: at most `limit`, the next first. */
  async within(from: number, to: number, limit: number): Promise<readonly string[]> {
    const query = this.#events
      .find({ startsAt: { $gt: from, $lte: to } }, { maxTimeMS: limits.databaseTimeoutMs })
      .sort({ startsAt: 1, _id: 1 })
      .limit(limit)
      .project<{ _id: string }>({ _id: 1 });
    return (await stored(() => query.toArray())).map(({ _id }) => _id);
  }
}

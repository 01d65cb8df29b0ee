import type { Collection, Db } from 'mongodb';
import type {
  ChangeResult,
  EventChange,
  EventChanges,
} from '#adapters/store/event-changes.port.ts';
import {
  type ChangeRow,
  changeResultsKept,
  changesWaitingMax,
  type EventRow,
} from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs };

export function changeRowOf({ version, ...body }: EventChange): ChangeRow {
  return { version, body: JSON.stringify(body) };
}

/** The waiting changes in the documents of `events`. */
export class MongoEventChanges implements EventChanges {
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#events = db.collection('events');
  }

  async take(eventId: string, now: number, againAt: number): Promise<EventChange | undefined> {
    const row = await stored(() =>
      this.#events.findOneAndUpdate(
        { _id: eventId, changesDueAt: { $lte: now } },
        { $set: { changesDueAt: againAt } },
        { projection: { changes: { $slice: 1 } }, ...bounded },
      ),
    );
    const change = row?.changes[0];
    if (change === undefined) return undefined;
    return { version: change.version, ...JSON.parse(change.body) } as EventChange;
  }

  async done(eventId: string, result: ChangeResult, now: number): Promise<void> {
    const rest = { $slice: ['$changes', 1, changesWaitingMax] };
    const results = { $concatArrays: ['$changeResults', [{ $literal: result }]] };
    await stored(() =>
      this.#events.updateOne({ _id: eventId, 'changes.0.version': result.version }, [
        {
          $set: {
            changes: rest,
            changesApplied: result.version,
            changeResults: { $slice: [results, -changeResultsKept] },
            changesDueAt: { $cond: [{ $gt: [{ $size: '$changes' }, 1] }, now, '$$REMOVE'] },
          },
        },
      ]),
    );
  }

  async defer(eventId: string, at: number): Promise<void> {
    const waiting = { _id: eventId, changesDueAt: { $exists: true } };
    await stored(() => this.#events.updateOne(waiting, { $set: { changesDueAt: at } }));
  }

  async progress(eventId: string) {
    const projection = { changesApplied: 1, changeResults: 1 };
    const row = await stored(() =>
      this.#events.findOne({ _id: eventId }, { projection, ...bounded }),
    );
    return { applied: row?.changesApplied ?? 0, results: row?.changeResults ?? [] };
  }

  async due(now: number, limit: number): Promise<readonly string[]> {
    const rows = await stored(() =>
      this.#events
        .find({ changesDueAt: { $lte: now } }, { projection: { _id: 1 }, ...bounded })
        .sort({ changesDueAt: 1 })
        .limit(limit)
        .toArray(),
    );
    return rows.map((row) => row._id);
  }
}

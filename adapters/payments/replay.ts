import type { Collection, Db, Filter } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { InboxDoc } from '#adapters/payments/store.ts';
import { stored } from '#adapters/store/failures.ts';
import { limits } from '#domain/limits.ts';

/** How far the provider's own list of events has been looked through. */
export type CatchUpMark = {
  readonly _id: 'events';
  /** Epoch ms: events before this need no more looking at. */
  readonly upTo: number;
  /** Where a run that did not come to its end goes on, and up to when that run looked. */
  readonly cursor?: string;
  readonly runUpTo?: number;
  /** Wished for: also those whose webhook the provider takes for delivered. */
  readonly all?: boolean;
  /** Wished for: single events that are not here. */
  readonly wanted?: readonly string[];
  /** When the last run ended and what it brought. */
  readonly ranAt?: number;
  readonly taken?: number;
};

export type Replayed = {
  readonly eventId?: string | undefined;
  readonly since?: number | undefined;
};

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;
const id = 'events';

/** Webhooks of the past: those stored are run again, those that never came are fetched. */
export class WebhookReplay {
  readonly #inbox: Collection<InboxDoc>;
  readonly #marks: Collection<CatchUpMark>;
  readonly #clock: Clock;

  constructor(db: Db, clock: Clock) {
    this.#inbox = db.collection('webhook_inbox');
    this.#marks = db.collection('webhook_marks');
    this.#clock = clock;
  }

  /** The mark; before the first run it stands at `otherwise`. */
  async mark(otherwise: number): Promise<CatchUpMark> {
    const found = await stored(() => this.#marks.findOne({ _id: id }, options));
    return found ?? { _id: id, upTo: otherwise };
  }

  /** A page was looked through. */
  async paused(cursor: string, runUpTo: number): Promise<void> {
    await this.#set({ $set: { cursor, runUpTo } });
  }

  /** All up to `upTo` was looked through; the wishes that the run saw are granted. */
  async reached(upTo: number, seen: CatchUpMark, taken: number): Promise<void> {
    const now = this.#clock.now();
    const wanted = [...(seen.wanted ?? [])];
    await this.#set({
      $set: { ranAt: now, taken },
      $unset: { cursor: '', runUpTo: '' },
      ...(wanted.length > 0 && { $pullAll: { wanted } }),
    });
    // A wish for earlier events that came meanwhile stays.
    await stored(() =>
      this.#marks.updateOne(
        { _id: id, $or: [{ upTo: seen.upTo }, { upTo: { $exists: false } }] },
        { $set: { upTo }, $unset: { all: '' } },
        options,
      ),
    );
  }

  /** Lets the next run look at everything since a time again. */
  async wishSince(since: number): Promise<void> {
    await this.#set({ $set: { upTo: since, all: true }, $unset: { cursor: '', runUpTo: '' } });
  }

  /** Lets the next run fetch one event. */
  async wishFor(eventId: string): Promise<void> {
    const upTo = this.#clock.now();
    await stored(() =>
      this.#marks.updateOne({ _id: id }, { $setOnInsert: { upTo } }, { upsert: true, ...options }),
    );
    await this.#set({ $addToSet: { wanted: eventId } });
  }

  /** Stored webhooks that would be run again, by type and what became of them. */
  async stored(which: Replayed): Promise<{ type: string; outcome: string; count: number }[]> {
    const found = await this.#inbox
      .aggregate<{ _id: { type: string; outcome?: string }; count: number }>(
        [
          { $match: matching(which) },
          { $group: { _id: { type: '$type', outcome: '$outcome' }, count: { $sum: 1 } } },
          { $sort: { count: -1 } },
        ],
        options,
      )
      .toArray();
    return found.map(({ _id, count }) => ({
      type: _id.type,
      outcome: _id.outcome ?? 'pending',
      count,
    }));
  }

  /** Makes stored webhooks due, to be run whatever is known already; answers how many. */
  async again(which: Replayed): Promise<number> {
    const dueAt = this.#clock.now();
    const done = await stored(() =>
      this.#inbox.updateMany(
        { ...matching(which), state: 'done' },
        {
          $set: { state: 'pending', dueAt, tries: 0, replay: true },
          $unset: { expiresAt: '', outcome: '' },
        },
      ),
    );
    return done.modifiedCount;
  }

  async #set(update: Parameters<Collection<CatchUpMark>['updateOne']>[1]): Promise<void> {
    await stored(() => this.#marks.updateOne({ _id: id }, update, { upsert: true, ...options }));
  }
}

const matching = ({ eventId, since }: Replayed): Filter<InboxDoc> => ({
  ...(eventId !== undefined && { _id: eventId }),
  ...(since !== undefined && { receivedAt: { $gte: since } }),
});

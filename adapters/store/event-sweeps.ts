import type { Collection, Db } from 'mongodb';
import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import type { EventSweep } from '#domain/event-sweep.ts';
import { limits } from '#domain/limits.ts';

type Row = Omit<EventSweep, 'sweepId'> & { readonly _id: string };

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;
const toRow = ({ sweepId, ...rest }: EventSweep): Row => ({ _id: sweepId, ...rest });
const fromRow = ({ _id, ...rest }: Row): EventSweep => ({ sweepId: _id, ...rest });

/** The collection `event_sweeps`. */
export class MongoEventSweeps implements EventSweeps {
  readonly #sweeps: Collection<Row>;

  constructor(db: Db) {
    this.#sweeps = db.collection('event_sweeps');
  }

  async prepare(): Promise<void> {
    const partialFilterExpression = { dueAt: { $exists: true } };
    await this.#sweeps.createIndexes([
      { key: { dueAt: 1 }, partialFilterExpression },
      { key: { eventId: 1 } },
    ]);
  }

  async begin(sweep: EventSweep): Promise<void> {
    await stored(async () => {
      try {
        await this.#sweeps.insertOne(toRow(sweep));
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    });
  }

  async take(now: number, until: number): Promise<EventSweep | undefined> {
    const taken = await stored(() =>
      this.#sweeps.findOneAndUpdate(
        { dueAt: { $lte: now } },
        { $inc: { version: 1 }, $set: { dueAt: until } },
        { sort: { dueAt: 1 }, returnDocument: 'after', ...bounded },
      ),
    );
    return taken === null ? undefined : fromRow(taken);
  }

  async save(next: EventSweep): Promise<boolean> {
    const { _id, ...row } = toRow(next);
    const { matchedCount } = await stored(() =>
      this.#sweeps.replaceOne({ _id, version: next.version - 1 }, row, {
        ignoreUndefined: true,
        ...bounded,
      }),
    );
    return matchedCount === 1;
  }

  async cancellation(eventId: string): Promise<EventSweep | undefined> {
    const found = await stored(() =>
      this.#sweeps.findOne({ eventId, 'news.kind': 'cancelled' }, bounded),
    );
    return found === null ? undefined : fromRow(found);
  }
}

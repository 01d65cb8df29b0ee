import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { JobTally } from '#adapters/scheduler/port.ts';
import { limits } from '#domain/limits.ts';

type TallyDoc = Omit<JobTally, 'name'> & { readonly _id: string };

type RunDoc = {
  readonly _id: string;
  readonly name: string;
  readonly worker: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly done: Readonly<Record<string, number>>;
  readonly error?: string;
  readonly expiresAt: Date;
};

export type JobRun = Omit<RunDoc, 'expiresAt'>;

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;
const keptMs = 14 * 24 * 3_600_000;

/**
 * The record of job runs: a tally of all of them, and for two weeks each run that did something or
 * failed.
 */
export class JobLedger {
  readonly #clock: Clock;
  readonly #tallies: Collection<TallyDoc>;
  readonly #runs: Collection<RunDoc>;

  constructor(db: Db, clock: Clock) {
    this.#clock = clock;
    this.#tallies = db.collection('job_tallies');
    this.#runs = db.collection('job_runs');
  }

  async prepare(): Promise<void> {
    await this.#runs.createIndexes([
      { key: { name: 1, startedAt: -1 } },
      { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
  }

  async note(run: JobRun): Promise<void> {
    const failed = run.error !== undefined;
    await this.#tallies.updateOne(
      { _id: run.name },
      {
        $inc: { runs: 1, errors: failed ? 1 : 0, ...(failed && { failing: 1 }) },
        $set: {
          lastRunAt: run.startedAt,
          ...(failed ? { lastError: run.error, lastErrorAt: run.endedAt } : { failing: 0 }),
        },
      },
      { upsert: true, ...options },
    );
    const idle = !failed && Object.values(run.done).every((count) => count === 0);
    if (idle) return;
    await this.#runs.insertOne({ ...run, expiresAt: new Date(this.#clock.now() + keptMs) });
  }

  async tallies(): Promise<JobTally[]> {
    const found = this.#tallies.find({}, options).sort({ _id: 1 }).limit(100);
    return found.map(({ _id, ...tally }) => ({ name: _id, ...tally })).toArray();
  }

  /** The newest runs of a job that did something or failed. */
  runs(name: string, limit: number): Promise<JobRun[]> {
    return this.#runs.find({ name }, options).sort({ startedAt: -1 }).limit(limit).toArray();
  }
}

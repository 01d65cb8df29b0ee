import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type {
  Finding,
  ReconciliationStore,
  Remembered,
  Watched,
} from '#adapters/payments/reconciliation.port.ts';
import { limits } from '#domain/limits.ts';
import type { ProblemSum } from '#domain/reconciliation.ts';

type WatchDoc = {
  readonly _id: string;
  readonly bookingId: string | null;
  readonly amount: { readonly amount: number; readonly currency: string };
  readonly createdAt: number;
  readonly problem: string | null;
  /** Epoch ms at which the problem, or without one the intent, was first seen. */
  readonly since: number;
  readonly lookedAt: number;
};

/** What a run has found, and what became of it. Epoch ms. */
export type Report = {
  readonly at: number;
  /** `window`: from where the last run ended; `deep`: everything of the last weeks. */
  readonly mode: 'window' | 'deep';
  /** Nothing was done and nothing remembered. */
  readonly dryRun: boolean;
  readonly from: number;
  /** Everything created before this has been looked at. */
  readonly upTo: number;
  readonly checked: number;
  /** False: the time was over before the end; the next run goes on from `upTo`. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
  readonly sums: readonly ProblemSum[];
  readonly needsPerson: number;
};

export type ReportDoc = Report & { readonly _id: string; readonly expiresAt: Date };

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;
/** Of `ReportDoc`s; one for each round of a run. */
export const reportsCollection = 'reconciliation_reports';
const reportsKeptMs = 30 * 24 * 3_600_000;
/** Runs overlap by this much: the provider's clock is not ours. */
const overlapMs = 10_000;

/** What reconciliation remembers, and its reports, in MongoDB. */
export class MongoReconciliation implements ReconciliationStore {
  readonly #clock: Clock;
  readonly #watch: Collection<WatchDoc>;
  readonly #marks: Collection<{ _id: string; upTo: number }>;
  readonly #reports: Collection<ReportDoc>;
  readonly #payments: Collection<{ readonly _id: string; readonly createdAt: number }>;

  constructor(db: Db, clock: Clock) {
    this.#clock = clock;
    this.#watch = db.collection('reconciliation_watch');
    this.#marks = db.collection('reconciliation_marks');
    this.#reports = db.collection(reportsCollection);
    this.#payments = db.collection('payments');
  }

  async prepare(): Promise<void> {
    await this.#watch.createIndexes([
      { key: { lookedAt: 1 } },
      { key: { problem: 1, createdAt: 1 } },
    ]);
    await this.#reports.createIndexes([
      { key: { at: -1 } },
      { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
  }

  async upTo(otherwise: number): Promise<number> {
    const mark = await this.#marks.findOne({ _id: 'intents' }, options);
    if (mark !== null) return mark.upTo - overlapMs;
    const oldest = await this.#payments.findOne({}, { sort: { createdAt: 1 }, ...options });
    return Math.min(oldest === null ? otherwise : oldest.createdAt - overlapMs, otherwise);
  }

  async reached(upTo: number): Promise<void> {
    await this.#marks.updateOne(
      { _id: 'intents' },
      { $max: { upTo } },
      { upsert: true, ...options },
    );
  }

  async watch({ intentId, problem, ...rest }: Watched): Promise<number> {
    const now = this.#clock.now();
    const named = problem ?? null;
    const changed = { $ne: ['$problem', named] };
    const since = { $cond: [{ $or: [changed, { $not: ['$since'] }] }, now, '$since'] };
    const kept = await this.#watch.findOneAndUpdate(
      { _id: intentId },
      [{ $set: { since } }, { $set: { ...rest, problem: named, lookedAt: now } }],
      { upsert: true, returnDocument: 'after', ...options },
    );
    return kept?.since ?? now;
  }

  async settled(intentIds: readonly string[]): Promise<void> {
    await this.#watch.deleteMany({ _id: { $in: [...intentIds] } }, options);
  }

  async watched(limit: number): Promise<Remembered[]> {
    const found = this.#watch.find({}, options).sort({ lookedAt: 1 }).limit(limit);
    return found.map(({ _id, since }) => ({ intentId: _id, since })).toArray();
  }

  /** Keeps a run's report for 30 days. */
  async report(_id: string, report: Report): Promise<void> {
    await this.#reports.insertOne({
      _id,
      ...report,
      expiresAt: new Date(report.at + reportsKeptMs),
    });
  }

  /** The newest report that fits; dry runs count only where they are asked for. */
  latest(filter: Partial<Pick<Report, 'mode' | 'dryRun'>> = {}): Promise<ReportDoc | null> {
    return this.#reports.findOne(filter, { sort: { at: -1 }, ...options });
  }
}

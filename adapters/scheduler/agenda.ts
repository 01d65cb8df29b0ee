import { MongoBackend } from '@agendajs/mongo-backend';
import { Agenda, type Job } from 'agenda';
import type { Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { JobLedger } from '#adapters/scheduler/ledger.ts';
import type { RecurringJob, Scheduler } from '#adapters/scheduler/port.ts';
import { isDuplicateKey } from '#adapters/store/failures.ts';
import { UnderWay } from '#domain/under-way.ts';

export type AgendaOptions = {
  readonly db: Db;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly ledger: JobLedger;
  /** Names this worker in the ledger and the locks. */
  readonly worker: string;
  /** A run failed, or Agenda could not do its own work. Must not throw. */
  readonly trouble: (what: string, error: unknown) => void;
};

const collection = 'agenda_jobs';
const pollMs = 1_000;

/**
 * Agenda on our own MongoDB client. A job is one document; a worker takes it by setting its lock,
 * so that of any number of workers one runs it, and another only when that lock was not renewed for
 * `lockMs`.
 */
export class AgendaScheduler implements Scheduler {
  readonly #options: AgendaOptions;
  readonly #running = new UnderWay();
  /** Of Agenda itself, which stores the end of a run after our part of it. */
  #unfinished = 0;
  #agenda: Agenda | undefined;

  constructor(options: AgendaOptions) {
    this.#options = options;
  }

  async start(jobs: readonly RecurringJob[]): Promise<void> {
    const { db, worker, trouble } = this.#options;
    await db.collection(collection).createIndex({ name: 1 }, { unique: true });
    const agenda = new Agenda({
      backend: new MongoBackend({ mongo: db, collection }),
      name: worker,
      processEvery: pollMs,
    });
    this.#agenda = agenda;
    agenda.on('error', (error: Error) => trouble('agenda', error));
    agenda.on('start', () => {
      this.#unfinished++;
    });
    agenda.on('complete', () => {
      this.#unfinished--;
    });
    await agenda.ready;
    for (const job of jobs) {
      const { name, lockMs } = job;
      const options = { concurrency: 1, lockLimit: 1, lockLifetime: lockMs };
      agenda.define(name, (turn: Job) => this.#run(job, turn), options);
    }
    for (const { name, everyMs } of jobs) await this.#plan(agenda, name, everyMs);
    await agenda.start();
  }

  async stop(waitMs: number): Promise<void> {
    const agenda = this.#agenda;
    if (agenda === undefined) return;
    this.#agenda = undefined;
    const { clock } = this.#options;
    const end = clock.monotonic() + waitMs;
    // Gives back the locks of jobs that have not begun; those that have go on.
    await agenda.stop(false);
    await Promise.race([this.#running.settled(), clock.sleep(waitMs)]);
    while (this.#unfinished > 0 && clock.monotonic() < end) await clock.sleep(10);
  }

  /**
   * Makes the job's document unless it is there. Not by `agenda.every`: that writes the document
   * anew, its lock included, so that a worker that starts would set free what another is doing.
   */
  async #plan(agenda: Agenda, name: string, everyMs: number): Promise<void> {
    const jobs = this.#options.db.collection(collection);
    const planned = await jobs.findOneAndUpdate({ name }, { $set: { repeatInterval: everyMs } });
    if (planned !== null) return;
    const job = agenda.create(name, {});
    job.repeatEvery(everyMs).unique({ name }, { insertOnly: true });
    try {
      await job.save();
    } catch (error) {
      // Another worker made it in the same moment.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  #run(job: RecurringJob, turn: Job): Promise<void> {
    const letGo = this.#hold(job, turn);
    return this.#running.begin(() => this.#recorded(job).finally(letGo));
  }

  /**
   * Renews the lock of a turn until it is let go, at most for `limitMs`. Letting go waits for a
   * renewal under way: written after the end of the turn it would hold up the next.
   */
  #hold({ name, lockMs, limitMs }: RecurringJob, turn: Job): () => Promise<void> {
    const { clock, trouble } = this.#options;
    const end = clock.monotonic() + limitMs - lockMs;
    let cancel = () => {};
    let renewal: Promise<void> = Promise.resolve();
    const next = (): void => {
      cancel = clock.after(lockMs / 3, () => {
        if (clock.monotonic() >= end) return;
        next();
        renewal = turn.touch().catch((error: unknown) => trouble(`lock of ${name}`, error));
      });
    };
    next();
    return () => {
      cancel();
      return renewal;
    };
  }

  /** A failure is recorded and told, not thrown: the job's next turn comes all the same. */
  async #recorded({ name, run }: RecurringJob): Promise<void> {
    const { clock, ids, ledger, worker, trouble } = this.#options;
    const startedAt = clock.now();
    const outcome = await run().then(
      (done) => ({ done }),
      (error: unknown) => ({ done: {}, error: String(error) }),
    );
    if ('error' in outcome) trouble(name, outcome.error);
    const endedAt = clock.now();
    await ledger
      .note({ _id: ids.ulid(), name, worker, startedAt, endedAt, ...outcome })
      .catch((error: unknown) => trouble('job ledger', error));
  }
}

/** Lets the next worker that looks (within a second) do a job's turn; false: there is no such job. */
export async function runNow(db: Db, name: string): Promise<boolean> {
  const found = await db
    .collection(collection)
    .updateOne({ name }, [{ $set: { nextRunAt: '$$NOW' } }]);
  return found.matchedCount === 1;
}

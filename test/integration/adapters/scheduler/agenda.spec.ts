import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AgendaScheduler } from '#adapters/scheduler/agenda.ts';
import { JobLedger } from '#adapters/scheduler/ledger.ts';
import type { RecurringJob } from '#adapters/scheduler/port.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It did not happen in time');
    await systemClock.sleep(20);
  }
}

describeWith(['mongod'], 'recurring jobs on Agenda', () => {
  let database: TestDatabase;
  let workers: AgendaScheduler[];
  let troubles: string[];

  beforeEach(async () => {
    database = await testDatabase('agenda');
    workers = [];
    troubles = [];
  });

  afterEach(async () => {
    for (const worker of workers) await worker.stop(2_000);
    await database.drop();
  });

  const ledgerOf = () => new JobLedger(database.db, systemClock);

  const newWorker = (name: string): AgendaScheduler => {
    const { db } = database;
    const trouble = (what: string, error: unknown) => troubles.push(`${what}: ${String(error)}`);
    const ledger = ledgerOf();
    const options = { db, clock: systemClock, ids: systemIds, ledger, worker: name, trouble };
    const worker = new AgendaScheduler(options);
    workers.push(worker);
    return worker;
  };

  const job = (run: RecurringJob['run'], lockMs = 3_000): RecurringJob => ({
    name: 'count',
    everyMs: 1_000,
    lockMs,
    limitMs: 10_000,
    run,
  });

  it('runs a job in one of several workers at a time', async () => {
    let running = 0;
    let most = 0;
    const starts: number[] = [];
    const run = async () => {
      running++;
      most = Math.max(most, running);
      starts.push(systemClock.now());
      await systemClock.sleep(300);
      running--;
      return { done: 1 };
    };
    await Promise.all(['a', 'b', 'c'].map((name) => newWorker(name).start([job(run)])));
    await until(() => starts.length >= 4);
    expect(most).toBe(1);
    const gaps = starts.slice(1).map((at, n) => at - (starts[n] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(700);
    expect(await database.db.collection('agenda_jobs').countDocuments()).toBe(1);
    expect(troubles).toEqual([]);
  });

  it('keeps a job that takes longer than its lock', async () => {
    let begun = 0;
    const ended = Promise.withResolvers<Record<string, number>>();
    const run = () => {
      begun++;
      return ended.promise;
    };
    await Promise.all(['a', 'b'].map((name) => newWorker(name).start([job(run, 1_500)])));
    await systemClock.sleep(4_500);
    expect(begun).toBe(1);
    ended.resolve({});
    await until(() => begun === 2);
  });

  it('goes on after a failure, counts it and says why', async () => {
    let runs = 0;
    const run = async () => {
      runs++;
      if (runs <= 2) throw new Error(`no luck ${runs}`);
      return { done: 5 };
    };
    await newWorker('a').start([job(run)]);
    await until(() => runs >= 3);
    await until(async () => ((await ledgerOf().tallies())[0]?.runs ?? 0) >= 3);
    const [tally] = await ledgerOf().tallies();
    expect(tally).toMatchObject({ name: 'count', errors: 2, failing: 0 });
    expect(tally?.lastError).toContain('no luck 2');
    const noted = await ledgerOf().runs('count', 10);
    expect(noted.at(-1)?.error).toContain('no luck 1');
    expect(noted.find(({ done }) => done.done === 5)?.worker).toBe('a');
    expect(troubles).toHaveLength(2);
  });

  it('stops when the job under way has ended, and leaves no lock behind', async () => {
    let ended = false;
    let began = false;
    const run = async () => {
      began = true;
      await systemClock.sleep(500);
      ended = true;
      return {};
    };
    const worker = newWorker('a');
    await worker.start([job(run)]);
    await until(() => began);
    await worker.stop(5_000);
    expect(ended).toBe(true);
    const [doc] = await database.db.collection('agenda_jobs').find().toArray();
    expect(doc?.lockedAt).toBeNull();
  });

  it('lets another worker go on where one has died, and not before', async () => {
    const first = newWorker('a');
    let runs = 0;
    const run = async () => {
      runs++;
      return {};
    };
    await first.start([job(run, 2_500)]);
    await until(() => runs > 0);
    await first.stop(2_000);
    // What a process leaves that is killed in the middle of a run.
    const lockedAt = new Date();
    await database.db
      .collection('agenda_jobs')
      .updateOne({ name: 'count' }, { $set: { lockedAt, nextRunAt: lockedAt } });
    const before = runs;
    await newWorker('b').start([job(run, 2_500)]);
    await until(() => runs > before);
    expect(systemClock.now() - lockedAt.getTime()).toBeGreaterThanOrEqual(2_500);
  });
});

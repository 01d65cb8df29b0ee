import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { AgendaScheduler } from '#adapters/scheduler/agenda.ts';
import { JobLedger } from '#adapters/scheduler/ledger.ts';
import type { RecurringJob } from '#adapters/scheduler/port.ts';
import { stored } from '#adapters/store/failures.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call } from '#broker/call.ts';
import { schedulerContract } from '#contracts/scheduler.contract.ts';
import { hasCode } from '#domain/errors.ts';
import type { Runtime } from '#mixins/runtime.ts';

const seconds = 1_000;
const minutes = 60_000;
const hours = 60 * minutes;
/** After this a worker that was killed no longer stands in the way. */
const lockMs = 6 * seconds;
const wakesAtOnceMax = 16;
const reminderRoundsMax = 20;
const instalmentRoundsMax = 5;
const auditRoundsMax = 100;
const repriceRoundsMax = 1_000;
/** A minute each. */
const reconcileRoundsMax = 30;
/** Recurring work, done by one of the workers at a time. */
export function createSchedulerService({ clock, ids, config }: Runtime): ServiceSchema {
  let scheduler: AgendaScheduler;
  let ledger: JobLedger;

  return {
    name: schedulerContract.name,
    actions: {
      tallies: async () => ({ jobs: await stored(() => ledger.tallies()) }),
    },

    async started() {
      const { broker } = this;
      const db = await acquireMongo(config.mongodbUri);
      ledger = new JobLedger(db, clock);
      await ledger.prepare();
      const worker = config.nodeId;
      const trouble = (what: string, error: unknown) =>
        broker.logger.warn('recurring job', { what, error: String(error) });
      scheduler = new AgendaScheduler({ db, clock, ids, ledger, worker, trouble });
      await scheduler.start(jobsOf(broker));
    },

    async stopped() {
      await scheduler?.stop(config.limits.drainMs / 2);
      await releaseMongo(config.mongodbUri);
    },
  };
}

/** What is done, how often, and how long a turn may take. */
const jobsOf = (broker: ServiceBroker): RecurringJob[] => [
  ...eventJobs(broker),
  {
    name: 'charge-instalments',
    everyMs: 1 * minutes,
    lockMs,
    limitMs: 75 * seconds,
    run: () => chargeInstalments(broker),
  },
  {
    name: 'remind-buyers',
    everyMs: 1 * minutes,
    lockMs,
    limitMs: 75 * seconds,
    run: () => remindBuyers(broker),
  },
  {
    name: 'reprice-events',
    everyMs: 1 * minutes,
    lockMs,
    limitMs: 5 * minutes,
    run: () => repriceEvents(broker),
  },
  {
    name: 'reconcile-payments',
    everyMs: 10 * minutes,
    lockMs,
    limitMs: 31 * minutes,
    run: () => reconcilePayments(broker, { mode: 'window', dryRun: false }),
  },
  {
    name: 'reconcile-deep',
    everyMs: 24 * hours,
    lockMs,
    limitMs: 31 * minutes,
    run: () => reconcilePayments(broker, { mode: 'deep', dryRun: false }),
  },
  {
    // For `npm run reconcile -- --dry-run`, which lets it run at once.
    name: 'reconcile-preview',
    everyMs: 24 * hours,
    lockMs,
    limitMs: 31 * minutes,
    run: () => reconcilePayments(broker, { mode: 'window', dryRun: true }),
  },
  {
    // Also for `npm run webhooks:replay`, which lets it run at once.
    name: 'catch-up-webhooks',
    everyMs: 1 * minutes,
    lockMs,
    limitMs: 75 * seconds,
    run: async () => ({ taken: (await call(broker, 'payments.catchUp', {})).taken }),
  },
  {
    name: 'append-audit',
    everyMs: 3 * seconds,
    lockMs,
    limitMs: 75 * seconds,
    run: () => appendAudit(broker),
  },
];

const eventJobs = (broker: ServiceBroker): RecurringJob[] => [
  {
    name: 'wake-events',
    everyMs: 3 * seconds,
    lockMs,
    limitMs: 20 * seconds,
    run: () => wakeEvents(broker),
  },
  {
    // A small share of what a node holds: each stays awake until it is idle.
    name: 'forget-events',
    everyMs: 1 * minutes,
    lockMs,
    limitMs: 20 * seconds,
    run: () => forgetEvents(broker),
  },
];

/** Wakes live events that nobody living owns, so that their holds expire on time. */
async function wakeEvents(broker: ServiceBroker) {
  const { events } = await call(broker, 'inventory.orphans', {});
  return wake(broker, events);
}

/** Wakes events that ended long ago: whoever owns one then deletes keys of its journal. */
async function forgetEvents(broker: ServiceBroker) {
  const { events } = await call(broker, 'inventory.forgettable', {});
  return wake(broker, events);
}

async function wake(broker: ServiceBroker, events: readonly string[]) {
  let woken = 0;
  let failed = 0;
  for (let at = 0; at < events.length; at += wakesAtOnceMax) {
    const some = events.slice(at, at + wakesAtOnceMax);
    const outcomes = await Promise.allSettled(
      some.map((eventId) => call(broker, 'inventory.wake', { eventId })),
    );
    for (const outcome of outcomes) {
      // Somebody else was faster: it has an owner.
      if (outcome.status === 'fulfilled' || hasCode(outcome.reason, 'moved')) woken++;
      else failed++;
    }
  }
  return { woken, failed };
}

/** Holds events on sale to their price rules; each event's prices are written by version, once. */
async function repriceEvents(broker: ServiceBroker) {
  let changed = 0;
  let failed = 0;
  let cursor: string | undefined;
  for (let round = 0; round < repriceRoundsMax; round++) {
    const done = await call(broker, 'catalogue.reprice', { cursor });
    changed += done.changed;
    failed += done.failed;
    if (done.nextCursor === null) break;
    cursor = done.nextCursor;
  }
  return { changed, failed };
}

/** Begins the charges that are due; each is made once, whoever begins it how often. */
async function chargeInstalments(broker: ServiceBroker) {
  let begun = 0;
  for (let round = 0; round < instalmentRoundsMax; round++) {
    const answer = await call(broker, 'bookings.dueInstalments', {});
    begun += answer.begun;
    if (!answer.more) break;
  }
  return { begun };
}

/** Queues the reminders that are due; each booking has one, whoever asks how often. */
async function remindBuyers(broker: ServiceBroker) {
  let reminded = 0;
  for (let round = 0; round < reminderRoundsMax; round++) {
    const { queued, more } = await call(broker, 'bookings.reminders', {});
    reminded += queued;
    if (!more || queued === 0) break;
  }
  return { reminded };
}

/** Compares payments with the books and settles; the payments service stores the report. */
async function reconcilePayments(
  broker: ServiceBroker,
  how: { readonly mode: 'window' | 'deep'; readonly dryRun: boolean },
) {
  const sums = { checked: 0, findings: 0, needsPerson: 0 };
  let from: number | undefined;
  for (let round = 0; round < reconcileRoundsMax; round++) {
    const ask = { ...how, ...(from !== undefined && { from }) };
    const report = await call(broker, 'payments.reconcile', ask);
    sums.checked += report.checked;
    sums.findings += report.findings.length;
    sums.needsPerson += report.needsPerson;
    if (report.complete) break;
    from = report.upTo;
  }
  return sums;
}

/** Takes acts into the audit log; one worker at a time, and each act once whoever repeats it. */
async function appendAudit(broker: ServiceBroker) {
  let appended = 0;
  let stuck = 0;
  for (let round = 0; round < auditRoundsMax; round++) {
    const { added, failed, more } = await call(broker, 'audit.append', {});
    appended += added;
    stuck = failed;
    if (!more) break;
  }
  if (stuck > 0) throw new Error(`${stuck} chains of the audit log cannot be continued`);
  return { appended };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Db } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import type { Finding } from '#adapters/payments/reconciliation.port.ts';
import {
  MongoReconciliation,
  type Report,
  type ReportDoc,
} from '#adapters/payments/reconciliation.ts';
import { runNow } from '#adapters/scheduler/agenda.ts';
import { format } from '#domain/money.ts';
import { type Outcome, type ProblemSum, problems, type Remedy } from '#domain/reconciliation.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';

const usage =
  'npm run reconcile [-- [--dry-run | --deep] [--stored] [--json] [--uri <mongodb uri>]]';
const waitMs = 90_000;
const shownMax = 200;

const words: Readonly<Record<Outcome, string>> = {
  settled: 'settled',
  begun: 'begun, its next look ends it',
  would: 'would be settled',
  young: 'left until it is older',
  failed: 'failed, tried again by the next run',
  person: 'a person must look',
};

/** `3 d 4 h`, `5 min`, `12 s`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

const remedies: Readonly<Record<Remedy, string>> = {
  cancel: 'cancelled at the provider',
  refund: 'returned to the buyer',
  book: 'booked',
  wake: "left to the booking's flow",
  person: 'for a person',
};

const sumLine = ({ problem, count, amounts, oldestMs, remedy }: ProblemSum): string => {
  const money = amounts.map((amount) => format(amount)).join(', ');
  return `${String(count).padStart(6)}  ${problem}  ${money}  oldest ${age(oldestMs)}  (${remedies[remedy]})`;
};

const findingLines = (finding: Finding, now: number): string => {
  const { intentId, bookingId, amount, createdAt, since, problem, outcome, why } = finding;
  const mark = outcome === 'settled' || outcome === 'begun' ? '✓' : '✗';
  const ages = `${age(now - createdAt)} old, known for ${age(now - since)}`;
  const done = why === undefined ? words[outcome] : `${words[outcome]}: ${why}`;
  return (
    `${mark} ${intentId}  ${format(amount)}  ${ages}\n` +
    `  ${problems[problem].says} (${bookingId ?? 'no booking'}): ${done}`
  );
};

/** A report as lines for a terminal: what, how many, how much, how old, what was done. */
export function reconciliationLines(report: Report, now: number): readonly string[] {
  const { at, upTo, checked, findings, sums, needsPerson, dryRun, complete } = report;
  const head = [
    `${dryRun ? 'dry run' : 'reconciled'} ${age(now - at)} ago, payments up to ${age(now - upTo)} ago, ${checked} looked at`,
    ...(complete ? [] : ['the time did not suffice: the next run goes on from there']),
  ];
  if (findings.length === 0) return [...head, 'every payment has its tickets or its refund'];
  const left = findings.length - shownMax;
  return [
    ...head,
    '',
    ...sums.map(sumLine),
    '',
    ...findings.slice(0, shownMax).map((finding) => findingLines(finding, now)),
    ...(left > 0 ? [`… and ${left} more`] : []),
    '',
    needsPerson === 0 ? 'nothing needs a person' : `${needsPerson} need a person`,
  ];
}

/** Asks a worker of the running system for a run; its report, or undefined when none came. */
async function freshReport(
  db: Db,
  reports: MongoReconciliation,
  job: string,
): Promise<ReportDoc | undefined> {
  const asked = Date.now();
  if (!(await runNow(db, job))) return undefined;
  const fits = {
    dryRun: job === jobs.dryRun,
    mode: job === jobs.deep ? 'deep' : 'window',
  } as const;
  for (const end = asked + waitMs; Date.now() < end; await sleep(250)) {
    const report = await reports.latest(fits);
    if (report !== null && report.at >= asked) return report;
  }
  return undefined;
}

/** The scheduler's jobs. */
const jobs = {
  window: 'reconcile-payments',
  deep: 'reconcile-deep',
  dryRun: 'reconcile-preview',
} as const;

async function main(): Promise<number> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: { uri: { type: 'string' }, stored: flag, json: flag, deep: flag, 'dry-run': flag },
  });
  const dryRun = values['dry-run'];
  if (dryRun && values.deep) throw new Error(usage);
  return onRunningDatabase(values.uri, usage, async (db) => {
    const reports = new MongoReconciliation(db, systemClock);
    const job = jobs[dryRun ? 'dryRun' : values.deep ? 'deep' : 'window'];
    const fresh = values.stored ? undefined : await freshReport(db, reports, job);
    const silent = fresh === undefined && !values.stored;
    if (silent) console.error('no worker answered; the last report:');
    const report = fresh ?? (await reports.latest());
    if (report === null) throw new Error('nothing was reconciled yet: is a worker running?');
    if (values.json) console.log(JSON.stringify(jsonOf(report), null, 2));
    else for (const line of reconciliationLines(report, Date.now())) console.log(line);
    if (silent) return 2;
    return report.needsPerson === 0 ? 0 : 1;
  });
}

const jsonOf = ({ _id, expiresAt: _, ...report }: ReportDoc): Report => report;

if (import.meta.main) await runCommand(main);

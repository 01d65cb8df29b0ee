import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Db } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { MongoReconciliation, type ReportDoc } from '#adapters/payments/reconciliation.ts';
import { runNow } from '#adapters/scheduler/agenda.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { format } from '#domain/money.ts';
import { runningDatabase } from '#ops/running-database.ts';

const usage = 'npm run reconcile [-- --stored] [--uri <mongodb uri>]';
const waitMs = 90_000;

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

/** A report as lines for a terminal: what, how many, how old. */
export function reconciliationLines(report: ReportDoc, now: number): readonly string[] {
  const { at, upTo, checked, findings } = report;
  const head = [
    `reconciled ${age(now - at)} ago, payments up to ${age(now - upTo)} ago, ${checked} looked at`,
  ];
  if (findings.length === 0) return [...head, 'every payment has its tickets or its refund'];
  const kinds = new Map<string, number>();
  for (const { problem } of findings) kinds.set(problem, (kinds.get(problem) ?? 0) + 1);
  return [
    ...head,
    '',
    ...[...kinds].map(([problem, count]) => `${String(count).padStart(6)}  ${problem}`),
    '',
    ...findings.map(
      ({ intentId, bookingId, amount, createdAt, since, problem }) =>
        `✗ ${intentId}  ${format(amount)}  ${age(now - createdAt)} old, known for ${age(now - since)}\n` +
        `  ${problem}  (${bookingId ?? 'no booking'})`,
    ),
  ];
}

/** Asks a worker of the running system for a run; its report, or undefined when none came. */
async function freshReport(db: Db, reports: MongoReconciliation): Promise<ReportDoc | undefined> {
  const asked = Date.now();
  if (!(await runNow(db, 'reconcile-payments'))) return undefined;
  for (const end = asked + waitMs; Date.now() < end; await sleep(250)) {
    const report = await reports.latest();
    if (report !== null && report.at >= asked) return report;
  }
  return undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { uri: { type: 'string' }, stored: { type: 'boolean', default: false } },
  });
  const uri = runningDatabase(values.uri);
  if (uri === undefined) throw new Error(`no database: set MONGODB_URI or give --uri\n${usage}`);
  const db = await acquireMongo(uri);
  try {
    const reports = new MongoReconciliation(db, systemClock);
    const fresh = values.stored ? undefined : await freshReport(db, reports);
    const silent = fresh === undefined && !values.stored;
    if (silent) console.log('no worker answered; the last report:');
    const report = fresh ?? (await reports.latest());
    if (report === null) throw new Error('nothing was reconciled yet: is a worker running?');
    for (const line of reconciliationLines(report, Date.now())) console.log(line);
    if (silent) return 2;
    return report.findings.length === 0 ? 0 : 1;
  } finally {
    await releaseMongo(uri);
  }
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 2;
  });
}

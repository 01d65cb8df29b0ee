import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Db } from 'mongodb';
import { idPatterns } from '#domain/ids.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';
import { checkEvent, type Finding, isMoving, isResting } from '#ops/verify/event-checks.ts';
import { type EventRecords, readRecords } from '#ops/verify/event-records.ts';
import { reportLines } from '#ops/verify/report.ts';

export type VerifyOptions = {
  /** Waits until nothing of the event is under way, at most `settleMs`. */
  readonly settled?: boolean;
  readonly settleMs?: number;
  /** A booking may be this late, and a message this old. */
  readonly overdueMs?: number;
  /** How long after a finding it is looked for again. */
  readonly lookAgainMs?: number;
};

export type EventReport = {
  readonly eventId: string;
  /** What was compared, for a table. */
  readonly figures: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** True when `settled` was asked for and the event had come to rest. */
  readonly settled: boolean;
};

const looksMax = 3;

/**
 * Compares an event's journal, replayed from its first entry, with bookings, tickets, ledger,
 * payments and outgoing messages. The event may be on sale meanwhile: what is under way is left
 * out, and a finding counts only when it is found again a moment later. Reads only.
 */
export async function verifyEvent(
  db: Db,
  eventId: string,
  options: VerifyOptions = {},
): Promise<EventReport> {
  const { settled = false, settleMs = 60_000, overdueMs = 60_000 } = options;
  const { lookAgainMs = 1_500 } = options;
  let records = await readRecords(db, eventId);
  if (settled) {
    for (const until = Date.now() + settleMs; !isQuiet(records) && Date.now() < until; ) {
      await sleep(500);
      records = await readRecords(db, eventId);
    }
  }
  const check = (): readonly Finding[] => checkEvent(records, { now: Date.now(), overdueMs });
  let findings = check();
  for (let look = 1; look < looksMax && findings.length > 0; look++) {
    await sleep(lookAgainMs);
    records = await readRecords(db, eventId);
    const seen = new Set(findings.map(({ key }) => key));
    findings = check().filter(({ key }) => seen.has(key));
  }
  return { eventId, figures: figuresOf(records), findings, settled: settled && isQuiet(records) };
}

const isQuiet = ({ bookings, outbox }: EventRecords): boolean =>
  [...bookings.values()].every((b) => !isMoving(b) || isResting(b)) &&
  outbox.every(({ state }) => state !== 'open');

function figuresOf(records: EventRecords): Record<string, number> {
  const { journal, bookings, tickets, payments } = records;
  const all = [...bookings.values()];
  const captured = payments.reduce((sum, p) => sum + p.captured, 0);
  const refunded = payments.reduce((sum, p) => sum + p.refunded, 0);
  return {
    'journal entries': journal.seq,
    capacity: journal.capacity,
    available: journal.counts.available,
    reserved: journal.counts.reserved,
    sold: journal.counts.sold,
    blocked: journal.counts.blocked,
    'active tickets': tickets.length,
    'distinct places of tickets': new Set(tickets.map((t) => t.place)).size,
    bookings: all.length,
    'bookings confirmed': all.filter((b) => b.status === 'confirmed').length,
    'bookings under way': all.filter(isMoving).length,
    payments: payments.length,
    'captured (minor units)': captured,
    'refunded (minor units)': refunded,
    'price of active tickets': tickets.reduce((sum, t) => sum + t.paid, 0),
    'ledger entries': records.ledger.length,
    'messages open': records.outbox.filter((m) => m.state === 'open').length,
  };
}

const usage = 'npm run verify:event -- <eventId> [--settled] [--uri <mongodb uri>]';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { uri: { type: 'string' }, settled: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [eventId] = positionals;
  if (eventId === undefined || !idPatterns.event.test(eventId)) throw new Error(usage);
  const report = await onRunningDatabase(values.uri, usage, (db) =>
    verifyEvent(db, eventId, { settled: values.settled }),
  );
  for (const line of reportLines(report)) console.log(line);
  if (values.settled && !report.settled) console.log('(still under way when the wait was over)');
  return report.findings.length === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);

import { readFileSync, writeFileSync } from 'node:fs';
import type { StoredReport } from '#ops/chaos/report.ts';

const file = new URL('../../docs/chaos.md', import.meta.url);
const marks = {
  begin: '<!-- run: npm run chaos -- --docs -->',
  end: '<!-- end of run -->',
};

const spaced = (n: number): string => n.toLocaleString('en-US').replaceAll(',', ' ');
const euros = (minor: number): string => `${spaced(Math.round(minor / 100))} EUR`;

/** A run as `docs/chaos.md` tells it. */
export function runSection(report: StoredReport): string {
  const { seed, commit, machine, rounds, operations, linearizable, money } = report;
  const fired = report.faults.reduce((sum, fault) => sum + fault.fired, 0);
  const { count, claimed, accepts } = report.handOversMs;
  const recoveries = report.recoveries
    .filter(({ fault }) => !fault.includes('+'))
    .map(
      (row) => `| \`${row.fault}\` | ${row.events} | ${whole(row.p50Ms)} | ${whole(row.p99Ms)} |`,
    );
  return [
    `${Number(report.minutes.toFixed(1))} minutes with seed ${seed} at commit ${commit}, on ` +
      `${machine.cores} cores of ${machine.cpu} with clients and servers: ${spaced(fired)} faults in`,
    `${rounds} rounds, ${spaced(operations)} operations, ${spaced(report.journalEntries)} journal entries, ` +
      `${spaced(linearizable.operations)} steps of ${spaced(linearizable.seats)} seats`,
    `checked, ${report.violations.length} violations. ${spaced(money.payments)} payments with ` +
      `${euros(money.captured)} captured and ${euros(money.refunded)} returned,`,
    `${spaced(money.ledgerEntries)} ledger entries, ${spaced(money.auditEntries)} of the audit log, ` +
      `${spaced(money.reconciled)} payments reconciled.`,
    '',
    '| operation | done | refused | never learnt |',
    '| --- | ---: | ---: | ---: |',
    ...[...report.byKind]
      .sort((a, b) => b.ok - a.ok)
      .map((row) => `| ${row.kind} | ${spaced(row.ok)} | ${spaced(row.fail)} | ${row.unknown} |`),
    '',
    '| accepts again after | events | p50 ms | p99 ms |',
    '| --- | ---: | ---: | ---: |',
    ...recoveries,
    '',
    `Planned hand-overs: ${count}; claimed after ${claimed.p50} ms (p50) and ${claimed.p99} ms (p99), ` +
      `first command decided after ${accepts.p50} ms and ${accepts.p99} ms.`,
  ].join('\n');
}

const whole = (ms: number): string => ms.toFixed(0);

/** The part of the document that is made from a report. */
export const runIn = (document: string): string =>
  (document.split(marks.begin)[1] ?? '').split(marks.end)[0]?.trim() ?? '';

/** The document with that part made from this report. */
export function withRun(document: string, report: StoredReport): string {
  const [before = '', rest = ''] = document.split(marks.begin);
  const after = rest.split(marks.end)[1];
  if (after === undefined) throw new Error('docs/chaos.md has lost its marks');
  return `${before}${marks.begin}\n${runSection(report)}\n${marks.end}${after}`;
}

/** Brings `docs/chaos.md` into line with the report that is stored. */
export function writeRun(report: StoredReport): void {
  writeFileSync(file, withRun(readFileSync(file, 'utf8'), report));
  console.log('Written to docs/chaos.md');
}

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { origin } from '#bench/support/results.ts';
import { Samples, table } from '#bench/support/stats.ts';
import type { Counts } from '#ops/chaos/cluster.ts';
import type { OperationRow } from '#ops/chaos/history.ts';
import type { HandOver } from '#ops/chaos/journal-sweep.ts';
import type { MoneyFigures } from '#ops/chaos/money-aftermath.ts';
import type { RecoveryRow } from '#ops/chaos/recovery.ts';

export type ChaosReport = {
  readonly seconds: number;
  readonly seed: number;
  readonly cluster: Counts;
  /** `loopback`: nodes could not be cut off. */
  readonly network: 'namespaces' | 'loopback';
  /** Faults that this machine cannot do, and why. */
  readonly leftOut: readonly string[];
  readonly faults: ReadonlyArray<{ readonly name: string; readonly fired: number }>;
  readonly rounds: number;
  readonly operations: number;
  readonly byKind: readonly OperationRow[];
  /** From an owner's going to the next accepted reservation. */
  readonly recoveries: readonly RecoveryRow[];
  /** Planned ones: of owners that were drained, and of their coming back. */
  readonly handOvers: readonly HandOver[];
  readonly journalEntries: number;
  /** What the provider, the ledger and the audit log had when all was quiet; minor units. */
  readonly money: MoneyFigures;
  readonly linearizable: { readonly seats: number; readonly operations: number };
  /** Everything that does not hold, in words. */
  readonly violations: readonly string[];
  /** Where logs and histories are kept when something does not hold. */
  readonly folder?: string;
};

const recoveryBarMs = 3_000;
const handOverBarMs = 250;
/** A paused or cut-off owner counts from the moment it is lost, as a killed one does. */
const barred = ['kill-owner', 'pause-owner', 'cut-database'];

/** Bars of speed that the run misses, in words: they depend on the machine. */
export function shortfalls(report: ChaosReport): string[] {
  const slow = report.recoveries
    .filter(({ fault, p99Ms, never }) => barred.includes(fault) && (p99Ms > recoveryBarMs || never))
    .map(({ fault, p99Ms }) => `${fault}: accepts again after ${p99Ms.toFixed(0)} ms (p99)`);
  const { p99 } = handOverTimes(report).accepts;
  return p99 <= handOverBarMs
    ? slow
    : [...slow, `hand-over takes ${p99} ms (p99), bar ${handOverBarMs} ms`];
}

function handOverTimes({ handOvers }: ChaosReport) {
  const claimed = quantiles(handOvers.map(({ claimedMs }) => claimedMs));
  const accepts = quantiles(handOvers.map(({ acceptsMs }) => acceptsMs));
  return { count: handOvers.length, claimed, accepts };
}

function quantiles(values: readonly number[]): { p50: number; p99: number } {
  const samples = new Samples();
  for (const value of values) samples.add(value);
  return { p50: samples.quantile(0.5), p99: samples.quantile(0.99) };
}

/** The report as tables for a terminal. */
export function lines(report: ChaosReport): string[] {
  const { count, claimed, accepts } = handOverTimes(report);
  const faults = report.faults.map(({ name, fired }) => [name, fired]);
  const kinds = report.byKind.map((row) => [
    ...[row.kind, row.ok, row.fail, row.unknown],
    ...[row.p50Ms.toFixed(1), row.p99Ms.toFixed(0)],
  ]);
  const recoveries = report.recoveries
    .filter(({ fault }) => !fault.includes('+'))
    .map((row) => [row.fault, row.events, row.p50Ms.toFixed(0), row.p99Ms.toFixed(0), row.never]);
  const { seats, operations } = report.linearizable;
  const short = shortfalls(report);
  return [
    table([['fault', 'fired'], ...faults]),
    ...report.leftOut.map((why) => `left out: ${why}`),
    '',
    table([['operation', 'ok', 'refused', 'unknown', 'p50 ms', 'p99 ms'], ...kinds]),
    '',
    table([['accepts again after', 'events', 'p50 ms', 'p99 ms', 'never'], ...recoveries]),
    `${count} planned hand-overs: claimed after p50 ${claimed.p50}, p99 ${claimed.p99} ms;` +
      ` first command decided after p50 ${accepts.p50}, p99 ${accepts.p99} ms`,
    '',
    `${report.operations} operations in ${report.rounds} rounds, ${report.journalEntries} journal entries`,
    moneyLine(report.money),
    `${operations} steps of ${seats} seats checked for linearizability`,
    ...report.violations.slice(0, 20).map((violation) => `✗ ${violation}`),
    report.violations.length === 0
      ? 'No violation: every answer was true and everything acknowledged is there'
      : `✗ ${report.violations.length} violations; logs and histories: ${report.folder}`,
    ...short.map((what) => `falls short of R5: ${what}`),
  ];
}

const moneyLine = ({ payments, captured, refunded, ...checked }: MoneyFigures): string =>
  `${payments} payments, ${captured} captured and ${refunded} returned (minor units), ` +
  `${checked.ledgerEntries} ledger entries, ${checked.auditEntries} of the audit log, ` +
  `${checked.reconciled} payments reconciled`;

const results = new URL('../../bench/results/', import.meta.url);
const stored = new URL('chaos.json', results);

/** A report with where and when it was, as `bench/results/chaos.json` keeps it. */
export type StoredReport = ReturnType<typeof storable>;

function storable(report: ChaosReport) {
  const { handOvers: _each, folder: _kept, ...rest } = report;
  const handOversMs = handOverTimes(report);
  return { ...origin(), minutes: report.seconds / 60, ...rest, handOversMs };
}

/** Writes `bench/results/chaos.json`. */
export function storeReport(report: ChaosReport): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(stored, `${JSON.stringify(storable(report), null, 2)}\n`);
}

export const readReport = (): StoredReport => JSON.parse(readFileSync(stored, 'utf8'));

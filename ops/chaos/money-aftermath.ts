import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { type ReportDoc, reportsCollection } from '#adapters/payments/reconciliation.ts';
import type { Doc, IntentDoc, RefundDoc } from '#adapters/payments/simulator/model.ts';
import { runNow } from '#adapters/scheduler/agenda.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import {
  type BookingDocument,
  collections,
  fromBookingDocument,
  type TicketDocument,
} from '#adapters/store/booking-documents.ts';
import { type BundleDocument, bundlesCollection } from '#adapters/store/bundles.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { isSound, logLines } from '#ops/audit/audit-verify.ts';
import { checkBooks } from '#ops/audit/check-books.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { reconcileAgeMs } from '#ops/chaos/cluster.ts';
import { type Payer, type ProviderPayment, providerFindings } from '#ops/chaos/provider-books.ts';

/** What was compared, for the report. */
export type MoneyFigures = {
  readonly payments: number;
  readonly captured: number;
  readonly refunded: number;
  readonly ledgerEntries: number;
  readonly auditEntries: number;
  readonly reconciled: number;
};
export type MoneyAftermath = {
  readonly findings: readonly string[];
  readonly figures: MoneyFigures;
};

const restMs = 90_000;
const auditMs = 60_000;
const reconcileMs = 5 * 60_000;
const lookMs = 1_000;

/**
 * What must hold of money when nothing is under way: the provider's own list against what buyers
 * have, the ledger, the audit log, and a reconciliation that finds nothing left over.
 */
export async function inspectMoney(db: Db, providerUri: string): Promise<MoneyAftermath> {
  const payments = await providerPayments(providerUri);
  const provider = await untilNone(restMs, async () =>
    providerFindings(await providerPayments(providerUri), await payersOf(db)),
  );
  const books = await checkBooks(db);
  const audit = await auditAtRest(db);
  const afterwards = await reconciled(db);
  const sum = (of: (payment: ProviderPayment) => number): number =>
    payments.reduce((total, payment) => total + of(payment), 0);
  return {
    findings: [
      ...provider.map((finding) => `provider: ${finding}`),
      ...books.mistakes.map(({ about, problem }) => `ledger: ${about} ${problem}`),
      ...audit.findings.map((finding) => `audit log: ${finding}`),
      ...afterwards.findings.map((finding) => `reconciliation: ${finding}`),
    ],
    figures: {
      payments: payments.length,
      captured: sum(({ captured }) => captured),
      refunded: sum(({ refunded }) => refunded),
      ledgerEntries: books.entries,
      auditEntries: audit.entries,
      reconciled: afterwards.checked,
    },
  };
}

/** Looks again until nothing is found, at most for so long. */
async function untilNone(ms: number, look: () => Promise<string[]>): Promise<string[]> {
  for (const until = Date.now() + ms; ; await sleep(lookMs)) {
    const findings = await look();
    if (findings.length === 0 || Date.now() > until) return findings;
  }
}

async function providerPayments(uri: string): Promise<ProviderPayment[]> {
  const provider = await acquireMongo(uri);
  try {
    const docs = provider.collection<Doc>('stripe_simulator_objects');
    const refunds = new Map<string, number>();
    for await (const doc of docs.find({ kind: 'refund' })) {
      const { payment_intent: intent, amount, status } = (doc as RefundDoc).body;
      if (status === 'failed' || status === 'canceled') continue;
      refunds.set(String(intent), (refunds.get(String(intent)) ?? 0) + amount);
    }
    const payments: ProviderPayment[] = [];
    for await (const doc of docs.find({ kind: 'payment_intent' })) {
      const { id, metadata, status, amount_received: captured } = (doc as IntentDoc).body;
      const owner = metadata.bookingId ?? '';
      payments.push({ intentId: id, owner, status, captured, refunded: refunds.get(id) ?? 0 });
    }
    return payments;
  } finally {
    await releaseMongo(uri);
  }
}

async function payersOf(db: Db): Promise<Payer[]> {
  const prices = new Map<string, number>();
  const tickets = db.collection<TicketDocument>(collections.tickets);
  for await (const { bookingId, paid } of tickets.find({ active: true })) {
    prices.set(bookingId, (prices.get(bookingId) ?? 0) + paid);
  }
  const documents = await db.collection<BookingDocument>(collections.bookings).find().toArray();
  const booked = documents.map((document) => ({
    booking: fromBookingDocument(document),
    ticketsPaid: prices.get(document._id) ?? 0,
  }));
  const alone = booked.filter(({ booking }) => booking.bundle === undefined);
  const inBundles = Map.groupBy(booked, ({ booking }) => booking.bundle?.bundleId);
  const bundles = await db.collection<BundleDocument>(bundlesCollection).find().toArray();
  return [
    ...alone.map((part) => ({ id: part.booking.bookingId, order: part.booking, parts: [part] })),
    ...bundles.map(({ _id: id, order }) => ({ id, order, parts: inBundles.get(id) ?? [] })),
  ];
}

async function auditAtRest(db: Db) {
  let entries = 0;
  const findings = await untilNone(auditMs, async () => {
    const report = await checkChains(new AuditLog(db), new AuditSources(db));
    entries = report.chains.reduce((sum, chain) => sum + chain.entries, 0);
    return isSound(report) ? [] : [...logLines(report)];
  });
  return { entries, findings };
}

/**
 * Reconciles all payments once, which has nothing to do but to close payments that nobody used, and
 * then looks by dry runs whether anything is left.
 */
async function reconciled(db: Db): Promise<{ findings: string[]; checked: number }> {
  await sleep(reconcileAgeMs);
  const first = await reconciliation(db, false);
  const more = first.left.filter((what) => !what.startsWith(unusedPayment));
  let checked = first.checked;
  const left = await untilNone(reconcileMs, async () => {
    const report = await reconciliation(db, true);
    checked = Math.max(checked, report.checked);
    return report.left;
  });
  return { checked, findings: [...more, ...left.map((what) => `left over: ${what}`)] };
}

const unusedPayment = 'open-after-end';

/** A run by a worker, with a report for each round, and what it found. */
async function reconciliation(
  db: Db,
  dryRun: boolean,
): Promise<{ left: string[]; checked: number }> {
  const reports = db.collection<ReportDoc>(reportsCollection);
  const mode = dryRun ? 'window' : 'deep';
  const asked = Date.now();
  await runNow(db, dryRun ? 'reconcile-preview' : 'reconcile-deep');
  for (const until = asked + reconcileMs; Date.now() < until; await sleep(lookMs)) {
    const rounds = await reports.find({ dryRun, mode, at: { $gte: asked } }).toArray();
    if (!rounds.some(({ complete }) => complete)) continue;
    const findings = rounds.flatMap((round) => round.findings);
    const left = findings.map(
      ({ problem, intentId, bookingId, outcome, amount }) =>
        `${problem} ${intentId} of ${bookingId}, ${amount.amount}: ${outcome}`,
    );
    return { checked: rounds.reduce((sum, { checked }) => sum + checked, 0), left };
  }
  return { checked: 0, left: ['no worker came to the end of it'] };
}

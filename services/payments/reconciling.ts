import type { ServiceBroker } from 'moleculer';
import type { z } from 'zod';
import type { Finding } from '#adapters/payments/reconciliation.port.ts';
import type { Report } from '#adapters/payments/reconciliation.ts';
import type { PaymentStore } from '#adapters/payments/store.ts';
import { call } from '#broker/call.ts';
import type { paymentsContract } from '#contracts/payments.contract.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { idPatterns, isBundleId } from '#domain/ids.ts';
import { needsPerson, problemSums } from '#domain/reconciliation.ts';
import { reconcile } from '#flows/reconciliation.flow.ts';
import type { Books, NamedBooking } from '#flows/reconciliation.ports.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { type PaymentDesk, wakePaid } from '#services/payments/desk.ts';

type Actions = (typeof paymentsContract)['actions'];
type Params = z.output<Actions['reconcile']['params']>;
type ReportView = z.output<Actions['reconcile']['result']>;

/** Below the 60 s of the action, so that what was found is stored and answered in time. */
const budgetMs = 45_000;
const shownMax = 1_000;

/** Compares payments with the books, settles, stores the report and logs what is amiss. */
export async function reconcileNow(
  broker: ServiceBroker,
  desk: PaymentDesk,
  { clock, ids, config }: Runtime,
  { safeAgeMs = config.limits.reconcileSafeAgeMs, ...asked }: Params,
): Promise<ReportView> {
  const { provider, reconciliation: store, store: payments } = desk;
  const records = {
    adopted: payments.adopted.bind(payments),
    seen: payments.seen.bind(payments),
    refunded: payments.refunded.bind(payments),
    notedIn: async (from: number, to: number, after: string, limit: number) =>
      (await payments.notedIn(from, to, after, limit)).map(({ intentId }) => intentId),
  };
  const ports = { clock, provider, store, books: booksOf(broker, payments), records };
  const run = { ...asked, safeAgeMs, budgetMs };
  const { findings, ...walked } = await reconcile(ports, run);
  const at = clock.now();
  for (const finding of findings) log(broker, finding, at);
  const report: Report = {
    at,
    mode: asked.mode,
    dryRun: asked.dryRun,
    ...walked,
    findings: oldest(findings),
    sums: problemSums(findings, at),
    needsPerson: findings.filter((finding) => needsPerson(finding, at)).length,
  };
  await store.report(ids.ulid(), report);
  return viewOf(report);
}

/** The last report that was not a dry run; `not-found` before the first. */
export async function lastReport(
  { reconciliation }: PaymentDesk,
  mode: 'window' | 'deep' | undefined,
): Promise<ReportView> {
  const found = await reconciliation.latest({ dryRun: false, ...(mode !== undefined && { mode }) });
  if (found === null) throw new UsherError('not-found', 'Nothing was reconciled yet');
  const { _id, expiresAt: _, ...report } = found;
  return viewOf(report);
}

const oldest = (findings: readonly Finding[]): Finding[] =>
  [...findings].sort((a, b) => a.createdAt - b.createdAt).slice(0, shownMax);

const viewOf = ({ findings, sums, ...rest }: Report): ReportView => ({
  ...rest,
  findings: [...findings],
  sums: sums.map(({ amounts, ...sum }) => ({ ...sum, amounts: [...amounts] })),
});

function log({ logger }: ServiceBroker, finding: Finding, now: number): void {
  if (needsPerson(finding, now)) logger.error('a person must look at this payment', finding);
  else logger.warn('reconciliation', finding);
}

/**
 * The bookings' side of the comparison. An intent belongs to the booking that our record of it names,
 * without a record to the one that its metadata names.
 */
function booksOf(broker: ServiceBroker, payments: PaymentStore): Books {
  /** Only what names an event of this system is ours to settle: others may share the account. */
  const isOurs = async ({ eventId }: NamedBooking): Promise<boolean> => {
    if (!idPatterns.event.test(eventId)) return false;
    try {
      await call(broker, 'inventory.inspect', { eventId });
      return true;
    } catch (error) {
      if (hasCode(error, 'not-found')) return false;
      throw error;
    }
  };
  return {
    of: async (intentId, named) => {
      const [record] = await payments.ofIntents([intentId]);
      const whose = record ?? named;
      if (whose === undefined) return { stray: undefined };
      const { bookingId } = whose;
      if (isBundleId(bookingId)) {
        const asked = { intentId, bundleId: bookingId };
        const { bundle } = await call(broker, 'bundles.byPayment', asked);
        return bundle === null ? { stray: undefined } : bundle;
      }
      if (!idPatterns.booking.test(bookingId)) return { stray: undefined };
      const { booking, stray } = await call(broker, 'bookings.byPayment', { intentId, bookingId });
      if (booking !== null) return booking;
      return { stray: (await isOurs(whose)) ? stray : undefined };
    },
    settle: async (bookingId, version, intent) => {
      // Which of its bookings a payment of a bundle is amiss for, a person must say.
      if (isBundleId(bookingId)) return false;
      const asked = { bookingId, version, intent: { ...intent, refunds: [...intent.refunds] } };
      return (await call(broker, 'bookings.settlePayment', asked)).settled;
    },
    bookStray: async (named, currency, intent) => {
      const asked = { ...named, currency, intent: { ...intent, refunds: [...intent.refunds] } };
      await call(broker, 'bookings.bookStray', asked);
    },
    wake: (bookingId) => wakePaid(broker, bookingId),
  };
}

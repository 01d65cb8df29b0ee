import type { Context } from 'moleculer';
import type { z } from 'zod';
import { call } from '#broker/call.ts';
import type { paymentsContract } from '#contracts/payments.contract.ts';
import { reconcile } from '#flows/reconciliation.flow.ts';
import type { Runtime } from '#mixins/runtime.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';

type Report = z.output<(typeof paymentsContract)['actions']['reconcile']['result']>;

/** Below the 60 s of the action, so that what was found is stored and answered in time. */
const budgetMs = 45_000;

/** Compares payments with bookings, stores the report and logs what is amiss. */
export async function reconcileNow(
  ctx: Context,
  desk: PaymentDesk,
  { clock, ids }: Runtime,
  olderThanMs: number,
): Promise<Report> {
  const { provider, reconciliation: store } = desk;
  const bookingOf = async (intentId: string) =>
    (await call(ctx, 'bookings.byPayment', { intentId })).booking;
  const ports = { clock, provider, store, bookingOf };
  const report = await reconcile(ports, { olderThanMs, budgetMs });
  const at = clock.now();
  await store.report({ _id: ids.ulid(), at, ...report });
  for (const finding of report.findings) ctx.broker.logger.warn('reconciliation', finding);
  const findings = report.findings.map(({ createdAt, ...finding }) => ({
    ...finding,
    ageMs: Math.max(0, at - createdAt),
  }));
  return { checked: report.checked, upTo: report.upTo, findings };
}

import type { ServiceBroker } from 'moleculer';
import type { z } from 'zod';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import type { MongoReconciliation } from '#adapters/payments/reconciliation.ts';
import { call } from '#broker/call.ts';
import { metricsOf } from '#broker/work-middleware.ts';
import type { paymentsContract } from '#contracts/payments.contract.ts';

type BacklogView = z.output<(typeof paymentsContract)['actions']['backlog']['result']>;

const readEveryMs = 15_000;
/** Younger payments are simply under way. */
const backlogAgeMs = 60_000;

/** Every payment that is not final, and whether the provider answers this node. */
export async function readBacklog(
  broker: ServiceBroker,
  { provider }: { readonly provider: PaymentProvider },
  olderThanMs: number,
): Promise<BacklogView> {
  const backlog = await call(broker, 'bookings.paymentBacklog', { olderThanMs });
  return { provider: provider.answers ? 'answers' : 'away', ...backlog };
}

/** Shows the backlog's size and age and the provider's state among the metrics of this node. */
export function showBacklog(
  broker: ServiceBroker,
  desk: {
    readonly provider: PaymentProvider;
    readonly reconciliation: MongoReconciliation;
  },
  clock: Clock,
): { readonly stop: Cancel } {
  let count = 0;
  let oldestMs = 0;
  let needsPerson = 0;
  let cancel: Cancel = () => {};
  let stopped = false;
  const metrics = metricsOf(broker);
  metrics?.gauge('usher_payment_backlog', 'Payments not final after a minute', () => count);
  metrics?.gauge('usher_payment_backlog_oldest_seconds', 'Age of the oldest of them', () => {
    return oldestMs / 1_000;
  });
  metrics?.gauge('usher_payment_provider_answers', '1 while the provider answers, else 0', () => {
    return desk.provider.answers ? 1 : 0;
  });
  metrics?.gauge('usher_reconciliation_needs_person', 'Findings that only a person settles', () => {
    return needsPerson;
  });
  const read = async (): Promise<void> => {
    const backlog = await readBacklog(broker, desk, backlogAgeMs);
    ({ count, oldestMs } = backlog);
    needsPerson = (await desk.reconciliation.latest({ dryRun: false }))?.needsPerson ?? 0;
  };
  const next = (): void => {
    if (stopped) return;
    cancel = clock.after(readEveryMs, () => {
      // What was read before stands until the bookings answer again.
      read()
        .catch(() => undefined)
        .finally(next);
    });
  };
  if (metrics !== undefined) next();
  return {
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

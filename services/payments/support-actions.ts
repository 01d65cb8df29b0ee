import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { paymentsContract } from '#contracts/payments.contract.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { readBacklog } from '#services/payments/backlog.ts';
import { catchUp } from '#services/payments/catching-up.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';
import { listDisputes } from '#services/payments/disputes.ts';
import { lastReport, reconcileNow } from '#services/payments/reconciling.ts';

type Actions = (typeof paymentsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** What support, operators and recurring work do about payments; `desk`: once it has started. */
export const supportActions = (runtime: Runtime, desk: () => PaymentDesk) => ({
  reconcile: ({ params, broker }: Ctx<'reconcile'>) =>
    reconcileNow(broker, desk(), runtime, params),

  backlog: ({ params, broker }: Ctx<'backlog'>) => readBacklog(broker, desk(), params.olderThanMs),

  reconciliation: ({ params }: Ctx<'reconciliation'>) => lastReport(desk(), params.mode),

  disputes: ({ params }: Ctx<'disputes'>) => listDisputes(desk().disputes, params),

  catchUp: () => catchUp({ ...desk(), clock: runtime.clock }),
});

import { call } from '#broker/call.ts';
import { hasCode } from '#domain/errors.ts';
import { format } from '#domain/money.ts';
import { age, reconciliationLines } from '#ops/reconcile/reconcile.ts';
import type { OperatorCommand, Tools } from '#ops/repl/commands.ts';

export const moneyCommands: readonly OperatorCommand[] = [
  {
    name: 'backlog',
    description: 'Payments that are not final: why, how many, how much, how old',
    run: showBacklog,
  },
  {
    name: 'reconcile',
    description: 'The last report of the reconciliation',
    run: showReconciliation,
  },
];

const shownMax = 20;

async function showBacklog({ broker }: Tools): Promise<readonly string[]> {
  const { count, oldestMs, sums, items, provider, complete } = await call(
    broker,
    'payments.backlog',
    {},
  );
  const head = `the payment provider ${provider === 'answers' ? 'answers' : 'is away'}`;
  if (count === 0) return [head, 'no payment is open'];
  return [
    head,
    `${complete ? '' : 'more than '}${count} payments are not final, the oldest ${age(oldestMs)} old`,
    '',
    ...sums.map(
      (sum) =>
        `${String(sum.count).padStart(6)}  ${sum.reason}  ${sum.amounts.map((m) => format(m)).join(', ')}  oldest ${age(sum.oldestMs)}`,
    ),
    '',
    ...items
      .slice(0, shownMax)
      .map(
        ({ bookingId, reason, tries, ...money }) =>
          `${bookingId}  ${format(money)}  ${reason}, ${tries} tries`,
      ),
    ...(count > shownMax ? [`… and ${count - shownMax} more`] : []),
  ];
}

async function showReconciliation({ broker }: Tools): Promise<readonly string[]> {
  try {
    return reconciliationLines(await call(broker, 'payments.reconciliation', {}), Date.now());
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error;
    return ['nothing was reconciled yet: is a worker running?'];
  }
}

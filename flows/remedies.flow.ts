import type { ProviderIntent } from '#adapters/payments/port.ts';
import { codeOf, hasCode } from '#domain/errors.ts';
import { type Outcome, type Problem, problems } from '#domain/reconciliation.ts';
import type { ListedIntent } from '#domain/settlement.ts';
import { strayRefundKey } from '#domain/stray-payment.ts';
import {
  type BookedIntent,
  type BookingRecord,
  compared,
  factsOf,
  namedBy,
  type ReconciliationPorts,
} from '#flows/reconciliation.ports.ts';

export type Case = {
  readonly intent: ProviderIntent;
  readonly booked: BookedIntent;
  readonly problem: Problem;
  readonly young: boolean;
  readonly dryRun: boolean;
};

export type Done = { readonly outcome: Outcome; readonly why?: string };

/**
 * Settles one difference. Each part may be repeated and has its effect once, so that a run which is
 * killed between any two is made good by the next. Where there is a booking whose flow runs, the
 * flow does it.
 */
export async function remedy(ports: ReconciliationPorts, it: Case): Promise<Done> {
  if (problems[it.problem].remedy === 'person') return { outcome: 'person' };
  if (it.young) return { outcome: 'young' };
  if (it.dryRun) return { outcome: 'would' };
  try {
    await ports.records.adopted(it.intent);
    return { outcome: await perform(ports, it) };
  } catch (error) {
    return { outcome: 'failed', why: codeOf(error) ?? String(error) };
  }
}

async function perform(ports: ReconciliationPorts, it: Case): Promise<Outcome> {
  const { intent, booked, problem } = it;
  switch (problems[problem].remedy) {
    case 'cancel':
      return cancelled(ports, intent);
    case 'wake':
      if (!('stray' in booked)) await ports.books.wake(booked.bookingId);
      return 'begun';
    case 'refund':
    case 'book':
      return 'stray' in booked ? strayReturned(ports, intent) : booksMoved(ports, it, booked);
    case 'person':
      return 'person';
  }
}

/** An open intent that no flow will ever touch again. */
async function cancelled(ports: ReconciliationPorts, intent: ProviderIntent): Promise<Outcome> {
  const after = await ports.provider.cancel(intent.intentId);
  await ports.records.seen(after);
  // The bank was still deciding, or it was captured in this very moment: the next look goes on.
  return after.status === 'canceled' ? 'settled' : 'begun';
}

/** The intent and its refunds as they are now. */
async function listed({ provider }: ReconciliationPorts, intentId: string) {
  const intent = await provider.retrieve(intentId);
  const refunds = await provider.refundsOf(intentId);
  const list: ListedIntent = {
    intentId,
    ...factsOf(intent),
    refunds: refunds.map(({ refundId, status, amount, refundKey }) => ({
      refundId,
      status,
      amount: amount.amount,
      ...(refundKey !== undefined && { refundKey }),
    })),
  };
  return { intent, refunds, list };
}

/** Our record of payments follows what the provider lists. */
async function recorded(
  { records }: ReconciliationPorts,
  { intent, refunds }: Awaited<ReturnType<typeof listed>>,
): Promise<void> {
  await records.seen(intent);
  for (const refund of refunds) {
    await records.refunded(intent.intentId, refund.refundKey ?? refund.refundId, refund);
  }
}

const triesMax = 3;

/** The booking's books, under the version they had before the intent was read. */
async function booksMoved(
  ports: ReconciliationPorts,
  { intent, problem }: Case,
  first: BookingRecord,
): Promise<Outcome> {
  const { intentId } = intent;
  let booked = first;
  for (let i = 1; ; i++) {
    const now = await listed(ports, intentId);
    if (compared(now.intent, booked)?.problem !== problem) return 'begun';
    await recorded(ports, now);
    try {
      // Nothing may be done by itself, such as to a refund that is on its way: it is looked at
      // again, and becomes a person's when it stays so.
      if (await ports.books.settle(booked.bookingId, booked.version, now.list)) return 'begun';
      throw new Error('the provider is not done with it, or a person must decide');
    } catch (error) {
      // A webhook or a flow moved it: decided anew on what it has become.
      if (!hasCode(error, 'stale-version') || i === triesMax) throw error;
    }
    const again = await ports.books.of(intentId, namedBy(intent));
    if ('stray' in again) return 'begun';
    booked = again;
  }
}

/** Money without a booking goes back, once; the ledger has both ways. */
async function strayReturned(ports: ReconciliationPorts, intent: ProviderIntent): Promise<Outcome> {
  const { provider, records, books } = ports;
  const { intentId } = intent;
  const named = namedBy(intent);
  if (named === undefined) throw new Error('a payment that names no booking');
  const { currency } = intent.amount;
  const before = await listed(ports, intentId);
  await books.bookStray(named, currency, before.list);
  const left = before.list.captured - before.list.refunded;
  if (left > 0) {
    const refundKey = strayRefundKey(intentId);
    const amount = { amount: left, currency };
    const { bookingId } = named;
    const refund = await provider.refund({ bookingId, intentId, amount, refundKey });
    await records.refunded(intentId, refundKey, { ...refund, intentId, refundKey });
  }
  const after = await listed(ports, intentId);
  await recorded(ports, after);
  await books.bookStray(named, currency, after.list);
  const booked = await books.of(intentId, named);
  return compared(after.intent, booked) === undefined ? 'settled' : 'begun';
}

import type { Clock } from '#adapters/clock/port.ts';
import type { PaymentProvider, ProviderIntent } from '#adapters/payments/port.ts';
import type { Finding, ReconciliationStore } from '#adapters/payments/reconciliation.port.ts';
import { hasCode } from '#domain/errors.ts';
import { type BookingOfPayment, isFinalIntent, paymentProblem } from '#domain/payment.ts';

export type ReconciliationPorts = {
  readonly clock: Clock;
  readonly provider: PaymentProvider;
  readonly store: ReconciliationStore;
  /** The booking of an intent, as the bookings know it; null when there is none. */
  readonly bookingOf: (
    intentId: string,
  ) => Promise<(BookingOfPayment & { readonly bookingId: string }) | null>;
};

export type ReconciliationReport = {
  readonly checked: number;
  readonly findings: readonly Finding[];
  /** Everything created before this (epoch ms) has been looked at. */
  readonly upTo: number;
};

const slice = { first: 60_000, max: 24 * 3_600_000, pagesMax: 20 } as const;
const atOnceMax = 16;
const watchedMax = 2_000;
/** No payment of ours is older than the first that was noted, less this. */
const marginMs = 60_000;

type Verdict = {
  readonly problem: string | undefined;
  readonly bookingId: string | null;
  readonly open: boolean;
};

/**
 * Compares what the provider holds with what the bookings say. Goes through the provider's intents
 * by the time they were created, from where the last run ended up to `olderThanMs` ago, and again
 * through those that were still open or amiss then. Stops after `budgetMs` and goes on from there
 * the next time. A difference is looked at twice before it is reported, the intent first: the two
 * sides are read one after the other and may move in between.
 */
export async function reconcile(
  ports: ReconciliationPorts,
  options: { readonly olderThanMs: number; readonly budgetMs: number },
): Promise<ReconciliationReport> {
  const { clock, store } = ports;
  const end = clock.monotonic() + options.budgetMs;
  const inTime = () => clock.monotonic() < end;
  const to = clock.now() - options.olderThanMs;
  let checked = await recheck(ports, inTime);
  let from = await store.upTo(to - marginMs);
  let length: number = slice.first;
  while (from < to && inTime()) {
    const until = Math.min(from + length, to);
    const intents = await listAll(ports.provider, from, until);
    if (intents === undefined && length > 1_000) {
      length = Math.max(1_000, Math.floor(length / 4));
      continue;
    }
    if (intents === undefined) throw new Error(`More intents in one second than pages allow`);
    await judgeAll(ports, intents);
    checked += intents.length;
    from = until;
    await store.reached(from);
    length = intents.length > 500 ? length : Math.min(length * 4, slice.max);
  }
  return { checked, findings: await store.findings(), upTo: from };
}

/** Every intent of the span; undefined when there are more than the pages hold. */
async function listAll(
  provider: PaymentProvider,
  from: number,
  to: number,
): Promise<ProviderIntent[] | undefined> {
  const all: ProviderIntent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < slice.pagesMax; page++) {
    const { items, nextCursor } = await provider.list({
      from,
      to,
      ...(cursor !== undefined && { cursor }),
    });
    all.push(...items);
    if (nextCursor === null) return all;
    cursor = nextCursor;
  }
  return undefined;
}

/** Looks again at what was open or amiss; answers how many. */
async function recheck(ports: ReconciliationPorts, inTime: () => boolean): Promise<number> {
  const watched = await ports.store.watched(watchedMax);
  let checked = 0;
  for (let at = 0; at < watched.length && inTime(); at += atOnceMax) {
    const some = watched.slice(at, at + atOnceMax);
    const intents = await Promise.all(some.map((intentId) => present(ports, intentId)));
    await judgeAll(
      ports,
      intents.filter((intent) => intent !== undefined),
    );
    checked += some.length;
  }
  return checked;
}

async function present(
  { provider, store }: ReconciliationPorts,
  intentId: string,
): Promise<ProviderIntent | undefined> {
  try {
    return await provider.retrieve(intentId);
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error;
    await store.settled([intentId]);
    return undefined;
  }
}

async function judgeAll(
  ports: ReconciliationPorts,
  intents: readonly ProviderIntent[],
): Promise<void> {
  for (let at = 0; at < intents.length; at += atOnceMax) {
    const some = intents.slice(at, at + atOnceMax);
    await Promise.all(some.map((intent) => judge(ports, intent)));
  }
}

async function judge(ports: ReconciliationPorts, intent: ProviderIntent): Promise<void> {
  const { store } = ports;
  const first = await verdictOf(ports, intent);
  const { problem, bookingId, open } =
    first.problem === undefined
      ? first
      : await verdictOf(ports, await ports.provider.retrieve(intent.intentId));
  const { intentId, createdAt, amount } = intent;
  if (problem !== undefined || open) {
    await store.watch({ intentId, bookingId, createdAt, amount, problem });
  } else {
    await store.settled([intentId]);
  }
}

async function verdictOf(ports: ReconciliationPorts, intent: ProviderIntent): Promise<Verdict> {
  const { status, amountCaptured: captured, amountRefunded: refunded, intentId } = intent;
  const booking = await ports.bookingOf(intentId);
  const problem = paymentProblem({ status, captured, refunded }, booking ?? undefined);
  const pending = booking !== null && (!booking.finished || booking.refundPending > 0);
  const undecided = !isFinalIntent(status) && status !== 'requires_payment_method';
  const bookingId = booking?.bookingId ?? intent.bookingId ?? null;
  return { problem, bookingId, open: pending || undecided };
}

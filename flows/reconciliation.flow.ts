import type { ProviderIntent } from '#adapters/payments/port.ts';
import type { Finding, Remembered } from '#adapters/payments/reconciliation.port.ts';
import { hasCode } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import type { Difference } from '#domain/reconciliation.ts';
import {
  type BookedIntent,
  compared,
  namedBy,
  type ReconciliationPorts,
} from '#flows/reconciliation.ports.ts';
import { remedy } from '#flows/remedies.flow.ts';

export type ReconciliationOptions = {
  readonly mode: 'window' | 'deep';
  /** Says what it would do, does and remembers nothing. */
  readonly dryRun: boolean;
  /** Younger intents are not looked at. */
  readonly olderThanMs: number;
  /** Nothing is done to younger ones. */
  readonly safeAgeMs: number;
  readonly budgetMs: number;
  /** Epoch ms: a run that goes on from here; absent: from where the last ended. */
  readonly from?: number | undefined;
};

export type ReconciliationResult = {
  readonly from: number;
  /** Everything created before this (epoch ms) has been looked at. */
  readonly upTo: number;
  readonly checked: number;
  readonly complete: boolean;
  readonly findings: readonly Finding[];
};

const slice = { first: 60_000, max: 24 * 3_600_000, pagesMax: 20 } as const;
const atOnceMax = 16;
const watchedMax = 2_000;
const findingsMax = 10_000;
const notedAtOnce = 1_000;
/** No payment of ours is older than the first that was noted, less this. */
const marginMs = 60_000;

type Run = {
  readonly ports: ReconciliationPorts;
  readonly options: ReconciliationOptions;
  readonly inTime: () => boolean;
  readonly since: ReadonlyMap<string, number>;
  readonly looked: Set<string>;
  readonly findings: Finding[];
};

/**
 * Compares what the provider holds with what the books say, and settles what is left over: every
 * intent and refund by the time it was created, from where the last run ended (`deep`: of the last
 * `reconcileDeepMs`) up to `olderThanMs` ago; our own records of that time which the provider did
 * not list; and again those that were open or amiss before. Stops after `budgetMs`, the next run
 * goes on from there.
 */
export async function reconcile(
  ports: ReconciliationPorts,
  options: ReconciliationOptions,
): Promise<ReconciliationResult> {
  const { clock, store } = ports;
  const end = clock.monotonic() + options.budgetMs;
  const watched = await store.watched(watchedMax);
  const run: Run = {
    ports,
    options,
    inTime: () => clock.monotonic() < end,
    since: new Map(watched.map(({ intentId, since }) => [intentId, since])),
    looked: new Set(),
    findings: [],
  };
  await lookAt(run, idsOf(watched));
  const to = clock.now() - options.olderThanMs;
  const mark = await store.upTo(to - marginMs);
  const deep = options.mode === 'deep' ? Math.min(mark, to - limits.reconcileDeepMs) : mark;
  const from = Math.min(options.from ?? deep, to);
  const upTo = await walk(run, from, to);
  const { looked, findings } = run;
  return { from, upTo, checked: looked.size, complete: upTo >= to, findings };
}

const idsOf = (watched: readonly Remembered[]): string[] => watched.map(({ intentId }) => intentId);

/** Slice by slice; answers how far the time sufficed. */
async function walk(run: Run, start: number, to: number): Promise<number> {
  const { ports, options, inTime } = run;
  let from = start;
  let length: number = slice.first;
  while (from < to && inTime()) {
    const until = Math.min(from + length, to);
    const range = { from, to: until };
    const intents = await listAll((page) => ports.provider.list(page), range);
    const refunds = await listAll((page) => ports.provider.listRefunds(page), range);
    if ((intents === undefined || refunds === undefined) && length > 1_000) {
      length = Math.max(1_000, Math.floor(length / 4));
      continue;
    }
    if (intents === undefined || refunds === undefined) {
      throw new Error('More intents in one second than pages allow');
    }
    await judgeAll(run, intents);
    await lookAt(run, [...new Set(refunds.flatMap(({ intentId }) => intentId ?? []))]);
    await lookAtOwn(run, from, until);
    from = until;
    if (!options.dryRun) await ports.store.reached(from);
    length = intents.length > 500 ? length : Math.min(length * 4, slice.max);
  }
  return from;
}

type Page<T> = { readonly items: readonly T[]; readonly nextCursor: string | null };
type Range = { readonly from: number; readonly to: number };

/** Everything of the span; undefined when there is more than the pages hold. */
async function listAll<T>(
  list: (range: Range & { readonly cursor?: string }) => Promise<Page<T>>,
  range: Range,
): Promise<T[] | undefined> {
  const all: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < slice.pagesMax; page++) {
    const { items, nextCursor } = await list({ ...range, ...(cursor !== undefined && { cursor }) });
    all.push(...items);
    if (nextCursor === null) return all;
    cursor = nextCursor;
  }
  return undefined;
}

/** Our own records of the span that the provider has not listed. */
async function lookAtOwn(run: Run, from: number, to: number): Promise<void> {
  const { records } = run.ports;
  let after = '';
  for (;;) {
    const ids = await records.notedIn(from, to, after, notedAtOnce);
    await lookAt(run, ids);
    const last = ids.at(-1);
    if (last === undefined || ids.length < notedAtOnce) return;
    after = last;
  }
}

/** Looks at intents by their ids, those that were not looked at yet in this run. */
async function lookAt(run: Run, intentIds: readonly string[]): Promise<void> {
  const fresh = intentIds.filter((id) => !run.looked.has(id));
  for (let at = 0; at < fresh.length && run.inTime(); at += atOnceMax) {
    const some = fresh.slice(at, at + atOnceMax);
    await Promise.all(some.map((intentId) => lookAtOne(run, intentId)));
  }
}

async function lookAtOne(run: Run, intentId: string): Promise<void> {
  try {
    await judge(run, await run.ports.provider.retrieve(intentId));
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error;
    await unknownToProvider(run, intentId);
  }
}

async function judgeAll(run: Run, intents: readonly ProviderIntent[]): Promise<void> {
  const fresh = intents.filter(({ intentId }) => !run.looked.has(intentId));
  for (let at = 0; at < fresh.length; at += atOnceMax) {
    await Promise.all(fresh.slice(at, at + atOnceMax).map((intent) => judge(run, intent)));
  }
}

/**
 * Looks twice before anything is said: the books first, the intent after them, so that a flow that
 * moved in between is seen by its version when the books are brought into line.
 */
async function judge(run: Run, first: ProviderIntent): Promise<void> {
  const { provider, store, books } = run.ports;
  const { dryRun } = run.options;
  const { intentId, createdAt } = first;
  run.looked.add(intentId);
  const named = namedBy(first);
  if (named === undefined) {
    if (!dryRun) await store.settled([intentId]);
    return;
  }
  let booked = await books.of(intentId, named);
  let intent = first;
  if (compared(intent, booked) !== undefined) {
    booked = await books.of(intentId, named);
    intent = await provider.retrieve(intentId);
  }
  const difference = compared(intent, booked);
  if (difference === undefined) {
    const open = !('stray' in booked) && !booked.finished;
    const watched = { intentId, bookingId: named.bookingId, createdAt, amount: intent.amount };
    if (dryRun) return;
    if (open) await store.watch({ ...watched, problem: undefined });
    else await store.settled([intentId]);
    return;
  }
  await found(run, intent, booked, difference);
}

async function found(
  run: Run,
  intent: ProviderIntent,
  booked: BookedIntent,
  { problem, amount }: Difference,
): Promise<void> {
  const { ports, options, findings } = run;
  const { intentId, createdAt } = intent;
  const bookingId = 'stray' in booked ? (intent.bookingId ?? null) : booked.bookingId;
  const money = { amount, currency: intent.amount.currency };
  const watched = { intentId, bookingId, createdAt, amount: money, problem };
  const now = ports.clock.now();
  const since = options.dryRun
    ? (run.since.get(intentId) ?? now)
    : await ports.store.watch(watched);
  const young = now - createdAt < options.safeAgeMs;
  const done = await remedy(ports, { intent, booked, problem, young, dryRun: options.dryRun });
  if (findings.length >= findingsMax) return;
  findings.push({ ...watched, since, ...done });
}

/** We have a record of it, the provider has none. */
async function unknownToProvider(run: Run, intentId: string): Promise<void> {
  const { ports, options, findings } = run;
  run.looked.add(intentId);
  const booked = await ports.books.of(intentId, undefined);
  if ('stray' in booked || booked.captured === 0) {
    if (!options.dryRun) await ports.store.settled([intentId]);
    return;
  }
  const now = ports.clock.now();
  const { bookingId, captured } = booked;
  const amount = { amount: captured, currency: booked.currency };
  const watched = {
    intentId,
    bookingId,
    createdAt: now,
    amount,
    problem: 'unknown-to-provider',
  } as const;
  const since = options.dryRun
    ? (run.since.get(intentId) ?? now)
    : await ports.store.watch(watched);
  findings.push({ ...watched, since, outcome: 'person' });
}

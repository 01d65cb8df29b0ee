import type { Instalment } from '#domain/bill.ts';
import { type Attempt, type Booking, lastAttempt } from '#domain/booking.ts';
import { limits } from '#domain/limits.ts';

type Parts = Pick<Booking, 'status' | 'bill' | 'attempts' | 'returns' | 'saleWritten'>;

const dayMs = 24 * 3_600_000;

/** Which instalments an attempt pays; the checkout's own the first. */
export const coveredBy = ({ covers = [1] }: Attempt): readonly number[] => covers;

const paidNos = (b: Parts): ReadonlySet<number> =>
  new Set(b.attempts.filter((a) => a.state === 'captured').flatMap(coveredBy));

/** What cancelled tickets have taken off the instalments that were still to be paid. */
const forgiven = (b: Parts): number => b.returns.reduce((sum, r) => sum + (r.unpaid ?? 0), 0);

/**
 * The instalments that are still to be paid, the next first. What cancelled tickets took off is
 * taken from the last ones. A booking that has ended owes nothing.
 */
export function owed(b: Parts): readonly Instalment[] {
  if (b.status !== 'confirmed' && b.status !== 'partially_refunded') return [];
  const paid = paidNos(b);
  const open = (b.bill?.instalments ?? []).filter(({ no }) => !paid.has(no));
  let off = forgiven(b);
  const left = open.toReversed().map((part) => {
    const amount = Math.max(0, part.amount - off);
    off -= part.amount - amount;
    return { ...part, amount };
  });
  return left.toReversed().filter(({ amount }) => amount > 0);
}

/** What is still to be paid, minor units. */
export const outstanding = (b: Parts): number =>
  owed(b).reduce((sum, { amount }) => sum + amount, 0);

/** When the next charge is to be tried; undefined: nothing is owed. */
export function nextChargeAt(b: Booking): number | undefined {
  const [next] = owed(b);
  if (next === undefined) return undefined;
  return b.arrears?.no === next.no ? b.arrears.nextAt : next.dueAt;
}

/** When its buyer is to be told of the next charge; undefined: he was, or nothing is owed. */
function noticeAt(b: Booking): number | undefined {
  const [next] = owed(b);
  const told = next === undefined || (b.announced ?? 0) >= next.no || b.arrears?.no === next.no;
  return told ? undefined : next.dueAt - limits.instalmentNoticeMs;
}

/**
 * Where a booking stands that has its tickets: it waits until its next instalment is to be
 * announced or charged, or is done.
 */
export function restOf(b: Booking): Pick<Booking, 'step' | 'dueAt'> {
  const at = nextChargeAt(b);
  if (at === undefined) return { step: 'done', dueAt: undefined };
  return { step: 'owing', dueAt: Math.min(noticeAt(b) ?? at, at) };
}

/** Nothing is under way: its money may be compared with its tickets. */
export const isAtRest = ({ step }: Pick<Booking, 'step'>): boolean =>
  step === 'done' || step === 'owing';

/** The saved card that the buyer paid with last. */
export const cardOnFile = (b: Booking): string | undefined =>
  b.attempts.findLast((a) => a.state === 'captured' && a.methodId !== undefined)?.methodId;

/** Whether its tickets open the door now. */
export const admits = (b: Parts): boolean =>
  b.bill?.plan === undefined || b.bill.plan.admitsBeforePaid || outstanding(b) === 0;

/** The attempt that pays, if one does at this moment. */
export const runningCharge = (b: Booking): Attempt | undefined =>
  b.step === 'charge' ? lastAttempt(b) : undefined;

/**
 * When a charge that failed for the `tries`th time is tried again; undefined: not any more, as by
 * the plan or because the event will have begun.
 */
export function nextTryAt(b: Booking, tries: number, now: number): number | undefined {
  const days = b.bill?.plan?.retryAfterDays[tries - 1];
  if (days === undefined) return undefined;
  const at = now + days * dayMs;
  return at < (b.event?.startsAt ?? Number.POSITIVE_INFINITY) ? at : undefined;
}

/**
 * What tickets that are given back, `returned` (minor units) of whose price would go back, take off
 * what is still to be paid. Some of the tickets first make the instalments smaller, and what is
 * over goes back. With the last of them (`whole`) nothing is owed any more.
 */
export function offset(b: Parts, returned: number, whole: boolean): number {
  const open = outstanding(b);
  return whole ? open : Math.min(Math.max(0, returned), open);
}

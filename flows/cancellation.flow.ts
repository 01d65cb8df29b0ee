import {
  type Attempt,
  awaitsPayOut,
  type Booking,
  isFinalAttempt,
  isSettled,
  lastAttempt,
  moved,
  type Return,
} from '#domain/booking.ts';
import { again, type Change, captured, change } from '#domain/booking-moves.ts';
import {
  attemptFound,
  attemptSettled,
  cancel,
  refundKey,
  refundSeen,
  seatsReturned,
  settled,
  soldForNothing,
  undone,
  voucherRefunded,
} from '#domain/cancellation.ts';
import { isDisputed } from '#domain/dispute.ts';
import { codeOf, errorRegistry } from '#domain/errors.ts';
import { restOf } from '#domain/instalments.ts';
import { limits } from '#domain/limits.ts';
import { money } from '#domain/money.ts';
import { authorisationOf, intentAsk } from '#flows/intent-ask.ts';
import type { FlowPorts } from '#flows/ports.ts';

/** True for a refusal that the same request will always meet; anything else is unknown. */
export function isTerminal(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && !errorRegistry[code].retryable;
}

/** A cancellation was asked for while the payment (or its dispute) ran; it has settled now. */
export async function cancelStep(b: Booking, { store, clock }: FlowPorts): Promise<Change> {
  const now = clock.now();
  const decision = cancel(b, await store.tickets([b.bookingId]), { ...b.cancelAs }, now);
  if (decision.kind === 'done') return decision.change;
  const rest = isSettled(b) ? restOf(b) : { step: 'settle' as const, dueAt: now };
  // What a dispute holds waits for its end.
  const over = isDisputed(b) ? {} : { cancelRequested: false, cancelAs: undefined };
  return change(b, moved(b, { ...rest, ...over }, now));
}

/**
 * Compensates sell and confirm after a refused capture (or a refused ticket): only when the
 * provider says *canceled* is the sale undone; *succeeded*: it stands; unknown: ask again.
 */
export async function undo(b: Booking, ports: FlowPorts): Promise<Change> {
  const { store, payments, clock } = ports;
  const intentId = lastAttempt(b)?.intentId;
  const status = intentId === undefined ? 'canceled' : (await payments.cancel({ intentId })).status;
  if (status === 'canceled') return undone(b, await store.tickets([b.bookingId]), clock.now());
  if (status !== 'succeeded') return again(b, clock.now());
  return b.saleWritten ? captured(b, clock.now()) : soldForNothing(b, clock.now());
}

/**
 * Gives back what is owed: seats to the event, intents to the provider, money to the buyer. One
 * that does not answer does not keep the others waiting; finished only when nothing is left.
 */
export async function settle(b: Booking, ports: FlowPorts): Promise<Change> {
  const owed: (() => Promise<Change>)[] = [
    ...b.returns.filter((r) => !r.seatsReturned).map((r) => () => giveSeatsBack(b, r, ports)),
    ...b.attempts.filter((a) => !isFinalAttempt(a)).map((a) => () => closeAttempt(b, a, ports)),
    ...b.returns
      .filter((r) => r.refund === 'pending' && !awaitsPayOut(r))
      .map((r) => () => refund(b, r, ports)),
  ];
  if (owed.length === 0) return settled(b, ports.clock.now());
  let waiting: Change | undefined;
  let trouble: unknown;
  for (const pay of owed) {
    try {
      const paid = await pay();
      if (!paid.wait) return paid;
      waiting = paid;
    } catch (error) {
      trouble = error;
    }
  }
  if (waiting === undefined) throw trouble;
  return waiting;
}

async function giveSeatsBack(b: Booking, r: Return, ports: FlowPorts): Promise<Change> {
  await ports.inventory.execute<'unsell'>({
    kind: 'unsell',
    id: `unsell:${b.bookingId}:${r.no}`,
    eventId: b.eventId,
    deadline: ports.clock.now() + limits.callTimeoutMs,
    bookingId: b.bookingId,
    holdId: b.reservationId,
    ...(r.seats === 'all' ? {} : { seats: r.seats }),
    ...(r.block ? { block: true } : {}),
  });
  return seatsReturned(b, r.no, ports.clock.now());
}

async function closeAttempt(b: Booking, a: Attempt, { payments, clock }: FlowPorts) {
  if (a.intentId === undefined) {
    // It may have been made by a request whose answer never came: the same key finds it.
    const made =
      a.token === undefined
        ? await payments.create(intentAsk(b, a))
        : (await payments.withdraw(authorisationOf(b, a, a.token))).intent;
    return made === undefined
      ? attemptSettled(b, a, 'canceled', 0, clock.now())
      : attemptFound(b, a.no, made.intentId, clock.now());
  }
  const { status, amount } = await payments.cancel({ intentId: a.intentId });
  return attemptSettled(b, a, status, amount.amount, clock.now());
}

async function refund(b: Booking, r: Return, { payments, clock }: FlowPorts): Promise<Change> {
  if (r.to === 'voucher') return voucherRefunded(b, r, clock.now());
  if (r.intentId === undefined) throw new Error('money is due, but no intent has it');
  const answer = await payments
    .refund({
      bookingId: b.bookingId,
      intentId: r.intentId,
      amount: money(r.amount, b.quote.currency),
      refundKey: refundKey(b, r),
    })
    .catch((error: unknown) => {
      if (isTerminal(error)) return { refundId: '', status: 'failed' };
      throw error;
    });
  return refundSeen(b, r, answer, clock.now());
}

import { type Booking, moved } from '#domain/booking.ts';
import { again, type Change, change, withIntent } from '#domain/booking-moves.ts';
import { isDisputed } from '#domain/dispute.ts';
import { codeOf } from '#domain/errors.ts';
import { announced, chargeDue, chargeFailed, chargeSeen } from '#domain/instalment-moves.ts';
import { nextChargeAt, restOf, runningCharge } from '#domain/instalments.ts';
import { isTerminal } from '#flows/cancellation.flow.ts';
import { authorisationOf } from '#flows/intent-ask.ts';
import type { FlowPorts } from '#flows/ports.ts';

/** While a bank asks money back nothing more is charged; looked at again after this. */
const disputeLookMs = 24 * 3_600_000;

/** Waits for the next instalment, tells the buyer some days before it, then begins its charge. */
export async function owing(b: Booking, { clock }: FlowPorts): Promise<Change> {
  const now = clock.now();
  const rest = restOf(b);
  if (now < (rest.dueAt ?? Number.POSITIVE_INFINITY))
    return change(b, moved(b, rest, now), { wait: true });
  if (isDisputed(b))
    return change(b, moved(b, { dueAt: now + disputeLookMs }, now), { wait: true });
  return now < (nextChargeAt(b) ?? 0) ? announced(b, now) : chargeDue(b, now);
}

/**
 * Pays the instalments of the last attempt: intent created and confirmed, stored, captured; a
 * decline closes the intent before the next try. Each request has the attempt's key, so that a
 * charge happens once whoever repeats it.
 */
export async function charge(b: Booking, ports: FlowPorts): Promise<Change> {
  const { payments, clock, store } = ports;
  const attempt = runningCharge(b);
  if (attempt === undefined) throw new Error('no charge is running');
  const { no, intentId, intentStatus, token, offSession } = attempt;
  const failed = async (): Promise<Change> =>
    chargeFailed(b, await store.tickets([b.bookingId]), clock.now());
  try {
    if (intentId === undefined) {
      // Without a card there is nothing to ask the provider for.
      if (token === undefined) return await failed();
      const news = await payments.authorise(authorisationOf(b, attempt, token));
      return chargeSeen(withIntent(b, news.intentId), news, clock.now());
    }
    switch (intentStatus) {
      case undefined:
      case 'requires_confirmation': {
        if (token === undefined) throw new Error('a charge without a payment method');
        const ask = { bookingId: b.bookingId, attempt: no, intentId, token };
        const news = await payments.confirm(offSession ? { ...ask, offSession } : ask);
        return chargeSeen(b, news, clock.now());
      }
      case 'requires_capture':
        return captureSeen(b, await payments.capture({ intentId }), clock.now());
      case 'requires_payment_method':
      case 'canceled': {
        const news = await payments.cancel({ intentId });
        if (news.status === 'canceled') return await failed();
        return news.status === 'succeeded'
          ? chargeSeen(b, news, clock.now())
          : again(b, clock.now());
      }
      default:
        return chargeSeen(b, await payments.read({ intentId }), clock.now());
    }
  } catch (error) {
    if (!isTerminal(error)) throw error;
    if (intentId === undefined) return await failed();
    const news = { status: 'requires_payment_method', declineCode: codeOf(error) } as const;
    return chargeSeen(b, news, clock.now());
  }
}

/** A capture that did not take the money is closed like a decline. */
function captureSeen(
  b: Booking,
  news: Awaited<ReturnType<FlowPorts['payments']['capture']>>,
  now: number,
): Change {
  return news.status === 'requires_capture'
    ? chargeSeen(b, { ...news, status: 'requires_payment_method' }, now)
    : chargeSeen(b, news, now);
}

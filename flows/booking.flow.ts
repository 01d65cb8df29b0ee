import {
  type Attempt,
  type Booking,
  isLed,
  lastAttempt,
  moved,
  type Step,
} from '#domain/booking.ts';
import {
  again,
  type Change,
  captured,
  change,
  declined,
  ended,
  intentOpened,
  intentSeen,
  pinned,
  sold,
  withIntent,
} from '#domain/booking-moves.ts';
import { ledUntil } from '#domain/bundle-moves.ts';
import { cancelledUnpaid, captureRefused, undone } from '#domain/cancellation.ts';
import { codeOf } from '#domain/errors.ts';
import { makeScopedId } from '#domain/ids.ts';
import { limits } from '#domain/limits.ts';
import { cancelStep, isTerminal, settle, undo } from '#flows/cancellation.flow.ts';
import { charge, owing } from '#flows/instalments.flow.ts';
import { authorisationOf, intentAsk } from '#flows/intent-ask.ts';
import type { FlowPorts } from '#flows/ports.ts';
import { patient } from '#flows/provider-away.flow.ts';

type Do = (b: Booking, ports: FlowPorts) => Promise<Change>;

/**
 * The flow of a booking, from hold to tickets. Each step may be done any number of times, also by
 * two workers at once: what it asks of others has its effect once, and its own change is written
 * only by the one who still has the booking's version. A step that throws has an unknown outcome:
 * it is done again. What pin and our authorising of the payment find is light: the write behind the
 * sale carries it, and a worker that dies before finds the same again (ADR 015, 016).
 *
 * step      | does                                    | compensated, when a later step fails, by
 * pin       | keeps the hold while the payment runs   | settle: unsell also ends the pin
 * authorise | intent created and confirmed            | settle: cancels it; decline: the same
 * await     | the buyer or the bank acts              |
 * sell      | seats sold, then tickets and sale        | settle: unsell; undo: tickets void first
 *           | written in one transaction (confirm)     |
 * owing     | waits for the next instalment            |
 * charge    | a later instalment is paid               | settle: cancels or returns it
 * capture   | money taken; settled → confirmed         | undo decides; a cancellation refunds
 */
export const steps: Readonly<Record<Step, Do>> = {
  pin: (b, ports) => unlessCancelled(b, ports, pin),
  authorise: (b, ports) => unlessCancelled(b, ports, patient(authorise)),
  await: (b, ports) => unlessCancelled(b, ports, patient(awaitPayment)),
  decline: (b, ports) => unlessCancelled(b, ports, closeDeclined),
  rest,
  sell,
  capture,
  undo,
  cancel: cancelStep,
  owing,
  charge,
  settle,
  done: async (b, { clock }) => change(b, moved(b, {}, clock.now())),
};

/** What a worker does with a booking as it stands. */
export const stepOf = (b: Booking): Do => (isLed(b) ? led : steps[b.step]);

/** Its bundle takes it on: there is nothing to do here. */
async function led(b: Booking, { clock }: FlowPorts): Promise<Change> {
  const now = clock.now();
  return change(b, moved(b, { tries: b.tries, dueAt: ledUntil(now) }, now), { wait: true });
}

/** Nothing is charged, no sale is written: a wish to cancel is granted before the next step. */
const unlessCancelled = async (b: Booking, ports: FlowPorts, step: Do): Promise<Change> =>
  b.cancelRequested ? cancelledUnpaid(b, ports.clock.now()) : step(b, ports);

async function pin(b: Booking, { inventory, clock }: FlowPorts): Promise<Change> {
  try {
    const hold = await inventory.execute<'pin'>({
      kind: 'pin',
      id: `pin:${b.bookingId}:${b.attempts.length}`,
      eventId: b.eventId,
      deadline: clock.now() + limits.callTimeoutMs,
      holdId: b.reservationId,
      buyerId: b.buyerId,
      bookingId: b.bookingId,
    });
    return pinned(b, hold.deadline, clock.now());
  } catch (error) {
    if (!isTerminal(error)) throw error;
    const reason = codeOf(error) ?? 'reservation-expired';
    // To this very booking, by a worker that died before it wrote so: `sell` will tell.
    if (reason === 'reservation-sold') return pinned(b, b.holdDeadline, clock.now());
    return ended(b, 'expired', reason, clock.now());
  }
}

async function authorise(b: Booking, ports: FlowPorts): Promise<Change> {
  const { clock } = ports;
  if (clock.now() >= b.holdDeadline) {
    return ended(b, 'expired', 'payment-not-completed', clock.now());
  }
  const attempt = lastAttempt(b);
  if (attempt === undefined) throw new Error('no attempt to pay');
  try {
    return await paid(b, attempt, ports);
  } catch (error) {
    if (!isTerminal(error)) throw error;
    const news = { status: 'requires_payment_method', declineCode: codeOf(error) } as const;
    return intentSeen(b, news, clock.now());
  }
}

async function paid(b: Booking, attempt: Attempt, ports: FlowPorts): Promise<Change> {
  const { payments, clock } = ports;
  const { bookingId } = b;
  const { no, intentId, token } = attempt;
  if (token === undefined) {
    // Without a payment method of ours it is the browser that confirms.
    if (intentId !== undefined) {
      return intentSeen(b, await payments.read({ intentId }), clock.now());
    }
    const opened = await payments.create(intentAsk(b, attempt));
    return intentOpened(b, opened.intentId, clock.now());
  }
  if (intentId !== undefined) {
    const news = await payments.confirm({ bookingId, attempt: no, intentId, token });
    return intentSeen(b, news, clock.now());
  }
  const news = await payments.authorise(authorisationOf(b, attempt, token));
  return intentSeen(withIntent(b, news.intentId), news, clock.now());
}

async function awaitPayment(b: Booking, { payments, clock }: FlowPorts): Promise<Change> {
  return intentSeen(b, await payments.read({ intentId: intentOf(b) }), clock.now());
}

/** A declined intent is closed first: a new attempt starts only when the last one is final. */
async function closeDeclined(b: Booking, { payments, clock }: FlowPorts): Promise<Change> {
  // Refused before there was an intent: nothing is open at the provider.
  if (lastAttempt(b)?.intentId === undefined) return declined(b, clock.now());
  const news = await payments.cancel({ intentId: intentOf(b) });
  if (news.status === 'canceled') return declined(b, clock.now());
  if (news.status === 'succeeded') return intentSeen(b, news, clock.now());
  return again(b, clock.now());
}

/** Waits for another attempt until the hold's deadline. */
async function rest(b: Booking, { clock }: FlowPorts): Promise<Change> {
  const now = clock.now();
  if (now >= b.holdDeadline) return ended(b, 'expired', 'reservation-expired', now);
  return change(b, moved(b, { dueAt: b.holdDeadline }, now), { wait: true });
}

/** Sell and confirm: asked again, the event gives the same answer, so both make one step. */
async function sell(b: Booking, { inventory, clock, ids }: FlowPorts): Promise<Change> {
  const reply = await inventory.execute<'sell'>({
    kind: 'sell',
    id: `sell:${b.bookingId}`,
    eventId: b.eventId,
    deadline: clock.now() + limits.callTimeoutMs,
    bookingId: b.bookingId,
    holdId: b.reservationId,
    paymentId: lastAttempt(b)?.intentId ?? 'none',
    equalSeats: b.equalSeats,
  });
  if (reply.outcome === 'refused') return ended(b, 'expired', reply.reason, clock.now());
  const ticketIds = reply.seats.map(() => makeScopedId('ticket', b.eventId, ids.ulid()));
  return sold(b, { ...reply, ticketIds }, clock.now());
}

async function capture(b: Booking, ports: FlowPorts): Promise<Change> {
  const { payments, store, clock } = ports;
  const { status } = await payments.capture({ intentId: intentOf(b) });
  switch (status) {
    case 'succeeded':
      return captured(b, clock.now());
    case 'processing':
      return again(b, clock.now());
    case 'canceled':
      return undone(b, await store.tickets([b.bookingId]), clock.now());
    default:
      return captureRefused(b, clock.now());
  }
}

function intentOf(b: Booking): string {
  const intentId = lastAttempt(b)?.intentId;
  if (intentId === undefined) throw new Error(`step ${b.step} without an intent`);
  return intentId;
}

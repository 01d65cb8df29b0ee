import { voucherPaid } from '#domain/bill.ts';
import { type Booking, isFinalAttempt, keptOf, type Return } from '#domain/booking.ts';
import { cashHeld } from '#domain/box-office.ts';
import { takenBack } from '#domain/dispute.ts';
import { outstanding } from '#domain/instalments.ts';
import { type Balances, balancesOf } from '#domain/ledger.ts';
import { sumOf } from '#domain/ticket.ts';
import type { EventRecords } from '#ops/verify/event-records.ts';

/** Something that does not agree. `key` is the same when it is found again. */
export type Finding = {
  readonly key: string;
  readonly problem: string;
  readonly about: string;
  /** What to do about it. */
  readonly repair: string;
};

export type Bounds = {
  /** Epoch ms. */
  readonly now: number;
  /** A booking may be this late, and a message this old, before it is a finding. */
  readonly overdueMs: number;
};

const finding = (problem: string, about: string, repair: string): Finding => ({
  key: `${problem}|${about}`,
  problem,
  about,
  repair,
});

/** With the back-off of the flow about a minute. */
const stuckTries = 10;

const lookAtBooking = 'read the booking and its time line; the due sweep of a core node goes on';

/** Steps that wait for a person: they are due in time, but nothing is under way. */
export const isResting = (b: Booking): boolean =>
  b.step === 'rest' || b.step === 'await' || b.step === 'owing';

/** A booking between two steps may differ from what it will be: only its lateness is looked at. */
export const isMoving = (b: Booking): boolean =>
  b.dueAt !== undefined && b.step !== 'rest' && b.step !== 'owing';

export function checkEvent(records: EventRecords, bounds: Bounds): readonly Finding[] {
  return [
    ...journalFindings(records),
    ...seatFindings(records),
    ...[...records.bookings.values()].flatMap((b) => [...bookingFindings(records, b, bounds)]),
    ...moneyFindings(records),
    ...outboxFindings(records, bounds),
  ];
}

function* journalFindings({ journal, eventId }: EventRecords): Generator<Finding> {
  const { counts, capacity, soldTo, gaps } = journal;
  for (const seq of gaps) {
    yield finding('journal gap', `${eventId}:${seq}`, 'restore the journal and its archive');
  }
  const sum = counts.available + counts.reserved + counts.sold + counts.blocked;
  if (sum !== capacity) {
    const about = `${sum} seats counted of ${capacity}`;
    yield finding('counts do not add up', about, 'stop sales: the replay itself is at fault');
  }
  if (counts.sold !== soldTo.size) {
    const about = `${counts.sold} places sold, ${soldTo.size} with a booking`;
    yield finding('sold without a sale', about, 'stop sales: the replay itself is at fault');
  }
}

function* seatFindings({ journal, bookings, tickets }: EventRecords): Generator<Finding> {
  const moving = (bookingId: string): boolean => {
    const b = bookings.get(bookingId);
    return b !== undefined && isMoving(b);
  };
  const byPlace = new Map<number, string[]>();
  for (const { place, bookingId, ticketId } of tickets) {
    byPlace.set(place, [...(byPlace.get(place) ?? []), ticketId]);
    if (journal.soldTo.get(place) === bookingId || moving(bookingId)) continue;
    const repair = 'void the ticket and return its price, or block the place until it is clear';
    yield finding('ticket without a sold seat', `${ticketId} of place ${place}`, repair);
  }
  for (const [place, ids] of byPlace) {
    if (ids.length === 1) continue;
    const repair = 'block the place; void and refund all but the first ticket';
    yield finding('double booking', `place ${place}: ${ids.join(', ')}`, repair);
  }
  for (const [place, bookingId] of journal.soldTo) {
    if (byPlace.has(place) || moving(bookingId)) continue;
    const repair = bookings.has(bookingId)
      ? 'unsell the seat for this booking'
      : 'restore the booking from its intent, or unsell the seat';
    yield finding('sold seat without a ticket', `place ${place} of ${bookingId}`, repair);
  }
  for (const bookingId of journal.sales) {
    if (bookings.has(bookingId)) continue;
    yield finding('sale without a booking', bookingId, 'unsell it; refund what was captured');
  }
}

function* bookingFindings(records: EventRecords, b: Booking, bounds: Bounds): Generator<Finding> {
  const late = b.dueAt === undefined ? 0 : bounds.now - b.dueAt;
  if (late > bounds.overdueMs) {
    const about = `${b.bookingId} (${b.status}, ${b.step}) for ${Math.round(late / 1_000)} s`;
    yield finding(
      'booking overdue',
      about,
      'see that a core node runs and its log of this booking',
    );
  }
  if (!isResting(b) && b.dueAt !== undefined && b.tries >= stuckTries) {
    const about = `${b.bookingId} (${b.status}, ${b.step}) after ${b.tries} tries`;
    yield finding('booking stuck', about, 'see the log of the core nodes for what does not answer');
  }
  if (b.alarm !== undefined) {
    yield finding('alarm', `${b.bookingId}: ${b.alarm}`, lookAtBooking);
  }
  if (isMoving(b)) return;
  if (!b.attempts.every(isFinalAttempt)) {
    yield finding('finished with an open payment', b.bookingId, lookAtBooking);
  }
  for (const { intentId, status } of records.paymentsOf(b.bookingId)) {
    if (status === 'canceled' || status === 'succeeded') continue;
    const about = `${intentId} of ${b.bookingId} is ${status}`;
    yield finding('finished with an open intent', about, 'cancel the intent at the provider');
  }
}

/** Money by booking: the provider's, the ledger's, and what the tickets are worth. */
function* moneyFindings(records: EventRecords): Generator<Finding> {
  for (const { _id, postings } of records.ledger) {
    const whole = postings.every(({ amount }) => Number.isSafeInteger(amount) && amount > 0);
    if (!whole) yield finding('damaged posting', _id, 'book its correction');
  }
  for (const payment of records.payments) {
    if (records.bookings.has(payment.bookingId)) continue;
    if (payment.captured === 0 && payment.status === 'canceled') continue;
    const about = `${payment.intentId}: ${payment.captured} captured`;
    yield finding('payment without a booking', about, 'cancel the intent, or refund it');
  }
  for (const b of records.bookings.values()) {
    if (isMoving(b)) continue;
    yield* moneyOf(records, b);
  }
}

function* moneyOf(records: EventRecords, b: Booking): Generator<Finding> {
  const { bookingId } = b;
  const ledger: Balances = balancesOf(records.ledgerOf(bookingId));
  const payments = records.paymentsOf(bookingId);
  const { paid, shares } = sumOf(records.ticketsOf(bookingId));
  const captured = payments.reduce((total, p) => total + p.captured, 0);
  const returned = sumOfReturns(b, 'card', 'succeeded');
  const failed = sumOfReturns(b, 'card', 'failed');
  const unreturned = failed + sumOfReturns(b, 'cash', 'pending');
  const cash = cashHeld(b);
  const toCome = outstanding(b);
  const byVoucher = voucherPaid(b) - sumOfReturns(b, 'voucher', 'succeeded');
  const differ = (problem: string, one: number, other: number, repair: string): Finding[] =>
    one === other ? [] : [finding(problem, `${bookingId}: ${one} and ${other}`, repair)];
  yield* differ(
    'ledger and provider differ',
    ledger.provider,
    captured - returned - takenBack(b),
    'compare with the provider; book or refund the difference',
  );
  yield* differ(
    'money and tickets differ',
    captured + cash - returned - unreturned - takenBack(b) - keptOf(b) + byVoucher + toCome,
    paid,
    'refund what no ticket stands for',
  );
  yield* differ(
    'ledger and tickets differ',
    earned(ledger),
    sumOfShares(shares) + keptOf(b),
    'book it',
  );
  yield* differ('ledger and voucher differ', ledger.vouchers, byVoucher, 'book the difference');
  yield* differ('ledger and tills differ', ledger.till, cash, 'count the till, then book it');
  yield* differ('the buyer still owes', ledger.buyer, toCome, 'book the missing cash or reversal');
  yield* differ('owed to the buyer', -ledger.owed, unreturned, 'refund it, then book the refund');
  if (failed === 0) {
    const refunded = payments.reduce((total, p) => total + p.refunded, 0);
    yield* differ('refunds differ', refunded, returned, 'compare with the provider');
  }
}

const sumOfReturns = (
  { returns }: Booking,
  tender: NonNullable<Return['to']>,
  state: Return['refund'],
): number =>
  returns
    .filter(({ to = 'card', refund }) => to === tender && refund === state)
    .reduce((sum, r) => sum + r.amount, 0);

const earned = ({ organizer, fees, taxes }: Balances): number => 0 - organizer - fees - taxes;
const sumOfShares = (s: { organizer: number; fees: number; taxes: number }): number =>
  s.organizer + s.fees + s.taxes;

function* outboxFindings({ outbox }: EventRecords, bounds: Bounds): Generator<Finding> {
  for (const { _id, state, createdAt, tries, why } of outbox) {
    const about = `${_id} after ${tries} tries${why === undefined ? '' : ` (${why})`}`;
    if (state === 'failed') {
      yield finding('message given up', about, 'mend the cause, then set its state to open');
    } else if (bounds.now - createdAt > bounds.overdueMs) {
      yield finding('message not delivered', about, 'see that a worker node runs');
    }
  }
}

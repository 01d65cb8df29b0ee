import { voucherPaid } from '#domain/bill.ts';
import { type Booking, isActive, isFinalAttempt, keptOf } from '#domain/booking.ts';
import { takenBack } from '#domain/dispute.ts';
import type { EventState } from '#domain/inventory/state.ts';
import { balancesOf } from '#domain/ledger.ts';
import { sumOf } from '#domain/ticket.ts';
import type { Office } from '#test/simulation/office.ts';

type Check = (holds: boolean, sentence: string) => void;

/** Bookings that still have something to do. */
export const openBookings = ({ store }: Office): readonly Booking[] =>
  store.contents.bookings.filter((b) => b.dueAt !== undefined);

/** Messages that their consumer has not stored yet. */
export const openMessages = ({ store }: Office): number =>
  store.contents.outbox.filter(({ state }) => state === 'open').length;

/** What does not agree between journals, bookings, tickets and money when all has come to rest. */
export function contradictions(office: Office, states: readonly EventState[]): readonly string[] {
  const found: string[] = [];
  const check: Check = (holds, sentence) => {
    if (!holds) found.push(sentence);
  };
  checkBookings(office, states, check);
  for (const state of states) checkSeats(office, state, check);
  checkMoney(office, check);
  checkClaims(office, check);
  checkMessages(office, check);
  return found;
}

function checkBookings(
  { store, promised }: Office,
  states: readonly EventState[],
  check: Check,
): void {
  for (const b of store.contents.bookings) {
    const what = `${b.bookingId} ${b.status}/${b.step}`;
    check(b.dueAt === undefined, `${what} is still due`);
    const kept = b.status === 'confirmed' && promised.has(b.bookingId);
    check(!kept, `${what}, though its cancellation was granted`);
    check(b.attempts.every(isFinalAttempt), `${what} has an open attempt`);
    const state = states.find(({ eventId }) => eventId === b.eventId);
    const hold = state?.holds.get(b.reservationId) ?? state?.lapsed.get(b.reservationId);
    check(hold?.pinnedBy !== b.bookingId, `${what} still keeps its hold`);
  }
}

/** Seats that the journal has sold to a booking, and active tickets, are the same. */
function checkSeats({ store }: Office, state: EventState, check: Check): void {
  const { bookings, tickets } = store.contents;
  const active = tickets.filter((t) => t.active && t.eventId === state.eventId);
  const ours = new Set(bookings.map((b) => b.bookingId));
  let sold = 0;
  for (const [place, owner] of state.owners.entries()) {
    if (owner >= 0) continue;
    const bookingId = state.sales.bookings.idOf(-owner - 1);
    // The others were sold without the bookings.
    if (!ours.has(bookingId)) continue;
    sold++;
    const here = active.filter((t) => t.place === place && t.bookingId === bookingId);
    check(here.length === 1, `place ${place} of ${bookingId} has ${here.length} active tickets`);
  }
  check(sold === active.length, `${active.length} active tickets, ${sold} sold seats`);
}

function checkMoney({ store, provider }: Office, check: Check): void {
  const { bookings, tickets, ledger } = store.contents;
  let captured = 0;
  for (const { id, status, amount, refunded } of provider.intents.values()) {
    check(status === 'canceled' || status === 'succeeded', `the intent ${id} is ${status}`);
    if (status === 'succeeded') captured += amount - refunded;
  }
  for (const b of bookings) captured -= takenBack(b);
  const kept = bookings.reduce((sum, b) => sum + keptOf(b), 0);
  const { paid, shares } = sumOf(tickets.filter((t) => t.active));
  const paidBy = bookings.reduce((sum, b) => sum + voucherPaid(b) - backToVoucher(b), 0);
  const unpaid = bookings
    .flatMap((b) => b.returns)
    .reduce((sum, r) => sum + (r.refund === 'failed' ? r.amount : 0), 0);
  const balances = balancesOf(ledger);
  const { organizer, fees, taxes } = balances;
  check(
    captured + paidBy === paid + unpaid + kept,
    `${captured} captured, ${paidBy} by voucher, tickets of ${paid}, ${unpaid} owed, ${kept} kept`,
  );
  check(balances.vouchers === paidBy, `the ledger has ${balances.vouchers} of vouchers`);
  check(balances.provider === captured, `the ledger has ${balances.provider}, not ${captured}`);
  check(balances.buyer === 0, `buyers owe ${balances.buyer}`);
  check(-balances.owed === unpaid, `${-balances.owed} is owed to buyers, not ${unpaid}`);
  const earned = -organizer - fees - taxes;
  check(earned === paid + kept, `${earned} earned, tickets of ${paid}, ${kept} kept`);
  if (bookings.some(({ returns }) => returns.some((r) => (r.kept ?? 0) !== 0))) return;
  check(-organizer === shares.organizer, `the organizer has ${-organizer}`);
  check(-fees === shares.fees && -taxes === shares.taxes, 'fees and taxes do not fit the tickets');
}

const backToVoucher = ({ returns }: Booking): number =>
  returns.filter((r) => r.to === 'voucher').reduce((sum, r) => sum + r.amount, 0);

/**
 * A redemption counts for every booking that was sold, once for all of a package, and a voucher has
 * lost what it paid.
 */
function checkClaims({ store }: Office, check: Check): void {
  const { bookings } = store.contents;
  const keeps = (b: Booking): boolean => b.saleWritten || isActive(b.status);
  for (const [promoId, { redemptionsMax }] of store.claims.promos) {
    const using = bookings.filter((b) => b.bill?.promo?.promoId === promoId && keeps(b));
    const kept = new Set(using.map((b) => b.bundle?.bundleId ?? b.bookingId)).size;
    const counted = store.claims.uses(promoId);
    check(kept === counted, `${promoId} is counted ${counted} times for ${kept} bookings`);
    check(counted <= (redemptionsMax ?? counted), `${promoId} is counted ${counted} times`);
  }
  for (const [voucherId, { amount, balance }] of store.claims.vouchers) {
    const spent = bookings
      .filter((b) => b.bill?.voucher?.voucherId === voucherId && keeps(b))
      .reduce((sum, b) => sum + (b.bill?.voucher?.amount ?? 0) - backToVoucher(b), 0);
    check(amount - spent === balance, `${voucherId} has ${balance} of ${amount - spent}`);
    check(balance >= 0, `${voucherId} has ${balance}`);
  }
}

function checkMessages({ store, delivered }: Office, check: Check): void {
  const { outbox, bookings } = store.contents;
  for (const { message, state } of outbox) {
    check(state === 'done', `the message ${message.key} is ${state}`);
    check(delivered.has(message.key), `the message ${message.key} was never stored`);
  }
  check(delivered.size === outbox.length, 'a message was stored that nobody wrote');
  for (const { bookingId, status } of bookings) {
    const told = delivered.has(`${bookingId}:confirmed`);
    if (status === 'confirmed') check(told, `${bookingId} is confirmed and nobody was told`);
    if (status === 'expired') check(!told, `${bookingId} expired and was told as confirmed`);
  }
}

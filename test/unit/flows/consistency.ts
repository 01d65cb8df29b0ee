import { voucherPaid } from '#domain/bill.ts';
import { type Booking, isActive, isFinalAttempt, keptOf } from '#domain/booking.ts';
import { cashHeld } from '#domain/box-office.ts';

import { takenBack } from '#domain/dispute.ts';
import { isAtRest, outstanding } from '#domain/instalments.ts';
import { balancesOf } from '#domain/ledger.ts';
import { sumOf } from '#domain/ticket.ts';
import type { World } from '#test/unit/flows/world.ts';

/** What does not agree in a world that has come to rest; empty when all does. */
export function contradictions(world: World): string[] {
  const { bookings, tickets, ledger } = world.store.contents;
  const found: string[] = [];
  const check = (holds: boolean, sentence: string): void => {
    if (!holds) found.push(sentence);
  };
  const active = tickets.filter((t) => t.active);
  for (const b of bookings) {
    check(isAtRest(b), `${b.status}/${b.step} is still due`);
    check(b.attempts.every(isFinalAttempt), 'a finished booking has an open attempt');
  }
  for (const [place, owner] of world.event.soldTo) {
    const here = active.filter((t) => t.place === place && t.bookingId === owner);
    check(here.length === 1, `sold place ${place} has ${here.length} active tickets`);
  }
  check(active.length === world.event.soldTo.size, 'an active ticket without a sold place');
  check(world.event.state !== 'held', 'the hold is still pinned');
  let provider = 0;
  for (const intent of world.payments.intents.values()) {
    const final = intent.status === 'canceled' || intent.status === 'succeeded';
    check(final, `intent ${intent.id} is ${intent.status}`);
    if (intent.status === 'succeeded') provider += intent.amount - intent.refunded;
  }
  const balances = balancesOf(ledger);
  const { paid, shares } = sumOf(active);
  const kept = bookings.reduce((sum, b) => sum + keptOf(b), 0);
  const gone = bookings.reduce((sum, b) => sum + takenBack(b), 0);
  provider -= gone;
  const vouchers = bookings.reduce((sum, b) => sum + voucherPaid(b) - backToVoucher(b), 0);
  const toCome = bookings.reduce((sum, b) => sum + outstanding(b), 0);
  const cash = bookings.reduce((sum, b) => sum + cashHeld(b), 0);
  check(
    provider + vouchers + cash + toCome === paid + kept,
    `${provider} by card, ${vouchers} by voucher, ${cash} in tills for tickets worth ${paid}, ${kept} kept`,
  );
  check(balances.vouchers === vouchers, `the ledger has ${balances.vouchers} of vouchers`);
  check(balances.till === cash, `the ledger has ${balances.till} in tills, not ${cash}`);
  check(balances.provider === provider, `the ledger has ${balances.provider}, not ${provider}`);
  check(balances.buyer === toCome, `buyers owe ${balances.buyer}, not ${toCome}`);
  check(balances.owed === 0, `${balances.owed} is owed to buyers`);
  const earned = -balances.organizer - balances.fees - balances.taxes;
  check(earned === paid + kept, `${earned} earned, not ${paid} and ${kept}`);
  // What is kept, or given beside tickets, does not come from the parts in proportion.
  if (bookings.some(({ returns }) => returns.some((r) => (r.kept ?? 0) !== 0))) return found;
  for (const part of ['organizer', 'fees', 'taxes'] as const) {
    check(balances[part] === -shares[part] + 0, `${part}: ${balances[part]}, not ${-shares[part]}`);
  }
  return [...found, ...claimContradictions(world)];
}

export const backToVoucher = ({ returns }: Booking): number =>
  returns.filter((r) => r.to === 'voucher').reduce((sum, r) => sum + r.amount, 0);

/**
 * A redemption counts for each booking that is under way or was sold, once for those of a package;
 * a voucher loses nothing.
 */
export function claimContradictions({ store }: Pick<World, 'store'>): string[] {
  const { bookings } = store.contents;
  const found: string[] = [];
  const keeps = (b: Booking): boolean => b.saleWritten || isActive(b.status);
  for (const [promoId] of store.claims.promos) {
    const using = bookings.filter((b) => b.bill?.promo?.promoId === promoId && keeps(b));
    const kept = new Set(using.map((b) => b.bundle?.bundleId ?? b.bookingId)).size;
    const counted = store.claims.uses(promoId);
    if (kept !== counted) found.push(`${promoId} is counted ${counted} times for ${kept}`);
  }
  for (const [voucherId, { amount, balance }] of store.claims.vouchers) {
    const spent = bookings
      .filter((b) => b.bill?.voucher?.voucherId === voucherId && keeps(b))
      .reduce((sum, b) => sum + (b.bill?.voucher?.amount ?? 0) - backToVoucher(b), 0);
    if (amount - spent !== balance) found.push(`${voucherId} has ${balance} of ${amount - spent}`);
  }
  return found;
}

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Booking } from '#domain/booking.ts';
import { openBooking } from '#domain/booking-moves.ts';
import { discounted } from '#domain/discount.ts';
import { balancesOf } from '#domain/ledger.ts';
import type { PromoOff } from '#domain/promo.ts';
import type { RefundRules } from '#domain/refund-rules.ts';
import { issueTickets, sumOf, type Ticket } from '#domain/ticket.ts';
import { withdrawalOf, withdrawn } from '#domain/withdrawal.ts';

const now = 1_000_000;

type Sale = {
  readonly quantity: number;
  readonly unitAmount: number;
  readonly off: PromoOff;
  readonly ticketsMin: number;
  readonly refundRules?: RefundRules;
};

/** A confirmed booking with a promo code that asks for a number of tickets, all paid by card. */
function soldWith({ quantity, unitAmount, off, ticketsMin, refundRules }: Sale) {
  const seats = Array.from({ length: quantity }, (_, i) => ({ id: `A-${i}`, category: 'A' }));
  const amount = quantity * unitAmount;
  const lines = [{ category: 'A', quantity, unitAmount, amount }];
  const full = {
    currency: 'EUR',
    lines,
    fees: 7 * quantity,
    taxes: 0,
    total: amount + 7 * quantity,
  };
  const quote = discounted(full, { code: 'GROUP', off, categories: null });
  const hold = {
    holdId: 'rsv_1',
    eventId: 'evt_1',
    buyerId: 'usr_1',
    status: 'held' as const,
    seats,
    quote,
    createdAt: now,
    deadline: now,
    pinned: false,
  };
  const wish = { key: 'k', token: 'pm', equalSeats: false, attendees: [] };
  const event = {
    name: 'X',
    startsAt: now + 3_600_000,
    timeZone: 'UTC',
    venue: 'V',
    ...(refundRules === undefined ? {} : { refundRules }),
  };
  const open = openBooking('bkg_1', hold, wish, event, now);
  const b: Booking = {
    ...open,
    bill: { by: 'card', promo: { promoId: 'prm_1', code: 'GROUP', ticketsMin } },
    status: 'confirmed',
    step: 'done',
    dueAt: undefined,
    saleWritten: true,
    attempts: [{ no: 1, key: 'k', state: 'captured', intentId: 'pi_1' }],
  };
  const places = seats.map((_, i) => i);
  const ticketIds = seats.map(({ id }) => `tkt_${id}`);
  const sale = { ...b, seats, places, quote, attendees: [], ticketIds };
  return { b, tickets: issueTickets(sale) };
}

/** Gives these tickets back, and the state after it. */
function give(b: Booking, tickets: readonly Ticket[], ids: readonly string[]) {
  const chosen = tickets.filter((t) => ids.includes(t.ticketId));
  const so = withdrawn(b, tickets, chosen, {}, now);
  const rest = tickets.map(
    (t): Ticket => (ids.includes(t.ticketId) ? { ...t, status: 'cancelled', active: false } : t),
  );
  const { owed } = balancesOf(so.entries);
  const amount = so.booking.returns.slice(b.returns.length).reduce((sum, r) => sum + r.amount, 0);
  expect(owed + amount).toBe(0);
  return { b: so.booking, tickets: rest, amount };
}

const group: Sale = {
  quantity: 4,
  unitAmount: 1_000,
  off: { by: 'percent', basisPoints: 2_000 },
  ticketsMin: 3,
};

describe('tickets bought with a code that asks for a number of them', () => {
  it('return what was paid for them while enough of the others stay', () => {
    const { b, tickets } = soldWith(group);
    expect(give(b, tickets, ['tkt_A-0']).amount).toBe(807);
  });

  it('return less what the others have lost of the discount, and get it back with them', () => {
    const { b, tickets } = soldWith(group);
    const first = give(b, tickets, ['tkt_A-0', 'tkt_A-1']);
    expect(first.amount).toBe(2 * 807 - 2 * 200);
    const second = give(first.b, first.tickets, ['tkt_A-2']);
    expect(second.amount).toBe(807 + 200);
    const third = give(second.b, second.tickets, ['tkt_A-3']);
    expect(third.amount).toBe(807 + 200);
    expect(first.amount + second.amount + third.amount).toBe(sumOf(tickets).paid);
  });

  it('show what is lost before they are given back', () => {
    const { b, tickets } = soldWith(group);
    const so = withdrawalOf(b, tickets, tickets.slice(0, 2), {}, now);
    expect(so).toMatchObject({ amount: 1_214, kept: 400, less: { discount: 400 } });
    const order = { actor: 'usr_2', reason: 'cancelled-by-support', waiveRules: true } as const;
    const waived = withdrawalOf(b, tickets, tickets.slice(0, 2), { order }, now);
    expect(waived).toMatchObject({ amount: 1_614, kept: 0, less: { discount: 0 } });
  });
});

const off: fc.Arbitrary<PromoOff> = fc.oneof(
  fc.record({ by: fc.constant('percent' as const), basisPoints: fc.nat(10_000) }),
  fc.record({ by: fc.constant('per-booking' as const), amount: fc.nat(9_000) }),
  fc.record({ by: fc.constant('per-ticket' as const), amount: fc.nat(3_000) }),
);
const sale = fc.record({
  quantity: fc.integer({ min: 1, max: 8 }),
  unitAmount: fc.nat(5_000),
  off,
  ticketsMin: fc.nat(9),
});
const tier = fc.record({ untilHoursBefore: fc.constant(0), basisPoints: fc.nat(10_000) });
const rules: fc.Arbitrary<RefundRules> = fc.record({
  tiers: fc.array(tier, { minLength: 0, maxLength: 1 }),
  feePerTicket: fc.nat(500),
  returnServiceFees: fc.boolean(),
});

describe('whatever was bought, in whatever order it is given back', () => {
  const oneByOne = ({ b, tickets }: ReturnType<typeof soldWith>, order: readonly number[]) => {
    let state = { b, tickets, amount: 0 };
    const amounts: number[] = [];
    for (const i of order) {
      const ticket = state.tickets[i];
      if (ticket?.active !== true) continue;
      state = give(state.b, state.tickets, [ticket.ticketId]);
      amounts.push(state.amount);
    }
    return amounts;
  };
  const orders = fc.uniqueArray(fc.nat(7), { minLength: 8, maxLength: 8 });

  it('never more than was paid comes back in all, and nothing below 0', () => {
    fc.assert(
      fc.property(sale, rules, orders, (own, refundRules, order) => {
        const sold = soldWith({ ...own, refundRules });
        const amounts = oneByOne(sold, order);
        expect(Math.min(0, ...amounts)).toBe(0);
        const all = amounts.reduce((sum, amount) => sum + amount, 0);
        expect(all).toBeLessThanOrEqual(sumOf(sold.tickets).paid);
      }),
    );
  });

  it('all of it comes back in the end where the rules return all', () => {
    fc.assert(
      fc.property(sale, orders, (own, order) => {
        const sold = soldWith(own);
        const all = oneByOne(sold, order).reduce((sum, amount) => sum + amount, 0);
        expect(all).toBe(sumOf(sold.tickets).paid);
      }),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Attempt, Booking, Return } from '#domain/booking.ts';
import { openBooking, returnOf } from '#domain/booking-moves.ts';
import { givenBy, refundParts, refundReturns, tendersOf } from '#domain/refund-parts.ts';
import { bookingIdOf, FakeEvent, ManualClock, quoteOf } from '#test/unit/flows/world.ts';

const clock = new ManualClock();
const total = 5_000;

const attempt = (no: number, amount: number, state: Attempt['state'] = 'captured'): Attempt => ({
  no,
  key: `key-${no}`,
  amount,
  state,
  intentId: `pi_${no}`,
});

/** Sold, paid by these cards and for the rest by voucher. */
function soldFor(cards: readonly Attempt[], voucher: number, change: Partial<Booking> = {}) {
  const { hold } = new FakeEvent(clock, quoteOf(total));
  const wish = { key: 'key-1', token: 'ok', equalSeats: false, attendees: [] };
  const bill = { by: 'card', voucher: { voucherId: 'vch_1', amount: voucher } } as const;
  const terms = { quote: hold.quote, bill };
  const b = openBooking(bookingIdOf(1), hold, wish, undefined, clock.now(), terms);
  return { ...b, attempts: cards, saleWritten: true, ...change };
}

const back = (no: number, part: Partial<Return>): Return => ({
  ...returnOf(soldFor([], 0)),
  no,
  refund: 'succeeded',
  ...part,
});

describe('money that goes back', () => {
  it('goes to the newest card first, then to the voucher', () => {
    const b = soldFor([attempt(1, 1_000), attempt(2, 2_500)], 1_500);
    expect(refundParts(b, 4_000)).toEqual([
      { to: 'card', intentId: 'pi_2', amount: 2_500 },
      { to: 'card', intentId: 'pi_1', amount: 1_000 },
      { to: 'voucher', amount: 500 },
    ]);
  });

  it('goes back once: what is returned, pending or failed is not there any more', () => {
    const returns = [
      back(1, { to: 'card', intentId: 'pi_1', amount: 400 }),
      back(2, { intentId: 'pi_1', amount: 300, refund: 'pending' }),
      back(3, { to: 'voucher', amount: 1_000, refund: 'failed' }),
    ];
    const b = soldFor([attempt(1, 3_500)], 1_500, { returns });
    expect(refundParts(b, 5_000)).toEqual([
      { to: 'card', intentId: 'pi_1', amount: 2_800 },
      { to: 'voucher', amount: 500 },
    ]);
  });

  it('is not there where a bank has taken it, nor before the sale for a voucher', () => {
    const lost = { disputeId: 'dp_1', state: 'lost', taken: 3_000, at: 0 } as const;
    const cards = [attempt(1, 1_000), attempt(2, 2_500), attempt(3, 9_000, 'canceled')];
    const b = soldFor(cards, 1_500, { disputes: [lost], saleWritten: false });
    expect(refundParts(b, 5_000)).toEqual([{ to: 'card', intentId: 'pi_1', amount: 500 }]);
  });

  it('never exceeds what a tender paid, and adds up as far as there is money', () => {
    const amount = fc.nat(4_000);
    fc.assert(
      fc.property(
        fc.array(amount, { maxLength: 4 }),
        amount,
        fc.array(fc.nat(6_000), { minLength: 1, maxLength: 6 }),
        (cards, voucher, dues) => {
          let b: Booking = soldFor(
            cards.map((card, i) => attempt(i + 1, card)),
            voucher,
          );
          for (const due of dues) {
            const there = tendersOf(b).reduce((sum, { left }) => sum + left, 0);
            const returns = refundReturns(b, { ...returnOf(b), key: 'k' }, due);
            const sum = returns.reduce((all, r) => all + r.amount, 0);
            expect(sum).toBe(Math.min(due, there));
            b = { ...b, returns: [...b.returns, ...returns] };
            expect(tendersOf(b).every(({ left }) => left >= 0)).toBe(true);
          }
          const numbers = b.returns.map(({ no }) => no);
          expect(numbers).toEqual(numbers.map((_, i) => i + 1));
          expect(givenBy(b, 'k')?.amount).toBe(b.returns.reduce((all, r) => all + r.amount, 0));
        },
      ),
    );
  });

  it('gives seats back with the first return alone', () => {
    const b = soldFor([attempt(1, 3_000)], 2_000);
    const first = { ...returnOf(b), key: 'k', tickets: ['t'], seats: ['A-1'], kept: 7 };
    const [one, two] = refundReturns(b, first, 5_000);
    expect(one).toMatchObject({ tickets: ['t'], seatsReturned: false, amount: 3_000, kept: 7 });
    expect(two).toMatchObject({ tickets: [], seatsReturned: true, amount: 2_000, to: 'voucher' });
    expect(two?.kept).toBeUndefined();
    expect(refundReturns(b, first, 0)).toMatchObject([{ amount: 0, refund: 'none' }]);
  });

  it('is told of a request as a whole', () => {
    const returns = [
      back(1, { key: 'k', amount: 3_000 }),
      back(2, { key: 'k', amount: 500, refund: 'pending' }),
    ];
    const b = soldFor([], 0, { returns });
    expect(givenBy(b, 'k')).toEqual({ amount: 3_500, kept: 0, refund: 'pending' });
    expect(givenBy(b, 'other')).toBeUndefined();
  });
});

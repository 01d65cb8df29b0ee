import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Booking,
  type BookingStatus,
  initialStatus,
  isActive,
  isSettled,
  mayMove,
  moved,
  type Step,
  statusMoves,
  stepsOf,
} from '#domain/booking.ts';
import { backoff, openBooking } from '#domain/booking-moves.ts';
import { assertHeld, assertWish, decideCheckout } from '#domain/checkout.ts';
import { codeOf } from '#domain/errors.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';

const statuses = Object.keys(statusMoves) as BookingStatus[];
const allSteps = [...new Set(statuses.flatMap((status): Step[] => [...stepsOf[status]]))];
const now = 1_000;

const hold: HoldView = {
  holdId: 'rsv_1',
  eventId: 'evt_1',
  buyerId: 'usr_1',
  status: 'held',
  seats: [{ id: 'A-1', category: 'stalls' }],
  quote: { currency: 'EUR', lines: [], fees: 0, taxes: 0, total: 100 },
  createdAt: now,
  deadline: now + 600_000,
  pinned: false,
};
const wish = { key: 'k', token: 'pm', equalSeats: false, attendees: [] };
const open = openBooking('bkg_1', hold, wish, undefined, now);
const at = (status: BookingStatus, step: Step): Booking => ({ ...open, status, step });

describe('the status table', () => {
  it('reaches every status from the first', () => {
    const reached = new Set<BookingStatus>([initialStatus]);
    for (const status of reached) for (const next of statusMoves[status]) reached.add(next);
    expect([...reached].sort()).toEqual([...statuses].sort());
  });

  it('lets every status come to one that is final', () => {
    const ends = (status: BookingStatus, seen: readonly BookingStatus[] = []): boolean =>
      statusMoves[status].length === 0 ||
      statusMoves[status].some((next) => !seen.includes(next) && ends(next, [...seen, status]));
    expect(statuses.filter((status) => !ends(status))).toEqual([]);
  });

  it('goes nowhere from expired and refunded', () => {
    const final = statuses.filter((status) => statusMoves[status].length === 0);
    expect(final.sort()).toEqual(['expired', 'refunded']);
    expect(final.some(isActive)).toBe(false);
  });

  it('never comes back to a sale from its end, nor skips the sale on the way to tickets', () => {
    for (const from of ['confirmed', 'cancelled', 'refunded', 'expired'] as const) {
      for (const to of ['pending', 'selling', 'requires_action', 'declined'] as const) {
        expect(mayMove(from, to)).toBe(false);
      }
    }
    const before = statuses.filter((s) => s !== 'confirmed' && mayMove(s, 'confirmed'));
    expect(before).toEqual(['selling']);
  });
});

describe('a move', () => {
  it('is made when both tables allow it, and throws when one forbids it', () => {
    for (const from of statuses) {
      for (const to of statuses) {
        for (const step of allSteps.filter((s) => s !== 'done')) {
          const allowed = mayMove(from, to) && (stepsOf[to] as readonly Step[]).includes(step);
          const b = at(from, stepsOf[from][0]);
          const move = () => moved(b, { status: to, step, dueAt: now }, now);
          if (allowed) expect(move()).toMatchObject({ status: to, step, version: b.version + 1 });
          else expect(move).toThrow();
        }
      }
    }
  });

  it('is not made without a due time unless it is the last', () => {
    const b = { ...at('declined', 'rest'), dueAt: undefined };
    expect(() => moved(b, { status: 'expired', step: 'settle' }, now)).toThrow('due time');
  });

  it('does not finish a booking that owes something', () => {
    const b = at('expired', 'settle');
    expect(isSettled(b)).toBe(false);
    expect(() => moved(b, { step: 'done' }, now)).toThrow('settled');
    const closed = { ...b, attempts: b.attempts.map((a) => ({ ...a, state: 'unused' as const })) };
    expect(moved(closed, { step: 'done' }, now).dueAt).toBeUndefined();
  });
});

describe('the back-off', () => {
  it('grows, is never at once, and never longer than a take-over', () => {
    fc.assert(
      fc.property(fc.nat(2_000), (tries) => {
        const wait = backoff(tries, 0);
        expect(wait).toBeGreaterThanOrEqual(limits.stepBackoffMinMs);
        expect(wait).toBeLessThanOrEqual(limits.stepRetryMs);
        expect(backoff(tries + 1, 0)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });
});

describe('a checkout of a reservation with a booking', () => {
  const codeFor = (b: Booking, key: string): string | undefined => {
    try {
      return decideCheckout(b, { key });
    } catch (error) {
      return codeOf(error);
    }
  };

  it('is the first one again under its key, in every status', () => {
    for (const status of statuses) expect(codeFor(at(status, 'done'), 'k')).toBe('same');
  });

  it('is another attempt after a decline, refused while one runs and when it is booked', () => {
    expect(Object.fromEntries(statuses.map((s) => [s, codeFor(at(s, 'done'), 'new')]))).toEqual({
      pending: 'checkout-in-progress',
      requires_action: 'checkout-in-progress',
      selling: 'checkout-in-progress',
      declined: 'another',
      confirmed: 'already-booked',
      partially_refunded: 'already-booked',
      cancelled: 'already-booked',
      expired: 'already-booked',
      refunded: 'already-booked',
    });
  });

  it('needs a payment for what costs something and at most one attendee a seat', () => {
    const free = { ...hold, quote: { ...hold.quote, total: 0 } };
    const attendees = ['Ada', 'Ben'];
    expect(() => assertWish(hold, wish)).not.toThrow();
    expect(() => assertWish(free, { ...wish, token: undefined })).not.toThrow();
    expect(() => assertWish(hold, { ...wish, token: undefined })).toThrow('payment');
    expect(() => assertWish(hold, { ...wish, attendees })).toThrow('attendees');
  });

  it('is refused when its hold was sold, unless to its own booking', () => {
    const sold = { ...hold, status: 'sold', bookingId: 'bkg_1' } as const;
    expect(() => assertHeld(hold)).not.toThrow();
    expect(() => assertHeld(sold)).toThrow('already booked');
    expect(() => assertHeld(sold, 'bkg_2')).toThrow('already booked');
    expect(() => assertHeld(sold, 'bkg_1')).not.toThrow();
  });
});

import { describe, expect, it } from '@jest/globals';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import type { OutboxStore } from '#adapters/store/outbox.port.ts';
import type { Booking } from '#domain/booking.ts';
import {
  type Change,
  captured,
  declined,
  ended,
  intentOpened,
  intentSeen,
  openBooking,
  pinned,
  reminded,
  retried,
  sold,
} from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { balancesOf, type LedgerEntry } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';

export type StoreUnderTest = {
  readonly store: BookingStore;
  readonly outbox: OutboxStore;
  ledger(bookingId: string): Promise<readonly LedgerEntry[]>;
};

let n = 1_000;
export const ulid = (): string => String(n++).padStart(26, '0');
export const now = 1_800_000_000_000;

/** A hold of two places of an event of its own. */
export function aHold(eventId = makeId('event', ulid())): HoldView {
  return {
    holdId: makeScopedId('reservation', eventId, ulid()),
    eventId,
    buyerId: makeId('user', ulid()),
    status: 'held',
    seats: [
      { id: 'A-1', category: 'stalls' },
      { id: 'A-2', category: 'stalls' },
    ],
    quote: {
      currency: 'EUR',
      lines: [{ category: 'stalls', quantity: 2, unitAmount: 2_000, amount: 4_000 }],
      fees: 100,
      taxes: 11,
      total: 4_111,
    },
    createdAt: now,
    deadline: now + 600_000,
    pinned: false,
  };
}

export const aWish = () => ({
  key: ulid(),
  token: 'pm_card_visa',
  equalSeats: false,
  attendees: ['Ada'],
});

export function aBooking(hold = aHold(), at = now): Booking {
  const wish = aWish();
  const event = { name: 'Tosca', startsAt: now + 3_600_000, timeZone: 'UTC', venue: 'Opera' };
  return openBooking(makeScopedId('booking', hold.eventId, ulid()), hold, wish, event, at);
}

export const commit = async (store: BookingStore, change: Change): Promise<Booking> => {
  expect(await store.commit(change)).toBe('done');
  return change.booking;
};

/** Brings a stored booking to the brink of its sale; places 7 and 8. */
export async function toSell(store: BookingStore, b: Booking): Promise<Change> {
  const authorised = await commit(store, pinned(b, b.holdDeadline, now));
  const selling = await commit(store, intentSeen(authorised, { status: 'requires_capture' }, now));
  const ticketIds = [makeScopedId('ticket', b.eventId, ulid())];
  ticketIds.push(makeScopedId('ticket', b.eventId, ulid()));
  return sold(selling, { seats: b.seats, places: [7, 8], ticketIds }, now);
}

const confirmedBooking = async (store: BookingStore, hold = aHold()): Promise<Booking> => {
  const b = aBooking(hold);
  await store.insert(b);
  const written = await commit(store, await toSell(store, b));
  return commit(store, captured(written, now));
};

/** What every store of bookings must do; run on MongoDB and on the one in memory. */
export function bookingStoreSuite(open: () => StoreUnderTest): void {
  describe('one booking', () => oneBooking(open));
  describe('a sale', () => aSale(open));
  describe('what differs', () => whatDiffers(open));
  describe('what is due', () => whatIsDue(open));
  describe('looking up', () => lookingUp(open));
}

function whatDiffers(open: () => StoreUnderTest): void {
  it('writes what differs from the booking that stands there, step by step', async () => {
    const { store } = open();
    let b = aBooking();
    await store.insert(b);
    const step = async (change: Change): Promise<void> => {
      expect(await store.commit(change, b)).toBe('done');
      b = change.booking;
      const found = await store.find(b.bookingId);
      expect(JSON.parse(JSON.stringify(found))).toEqual(JSON.parse(JSON.stringify(b)));
    };
    await step(pinned(b, b.holdDeadline + 1, now));
    await step(intentOpened(b, 'pi_1', now));
    await step(intentSeen(b, { status: 'requires_action', clientSecret: 'secret' }, now));
    await step(intentSeen(b, { status: 'requires_payment_method' }, now));
    await step(declined(b, now));
    await step(retried(b, { ...aWish(), token: 'pm_other' }, now));
    await step(pinned(b, b.holdDeadline, now));
    await step(intentOpened(b, 'pi_2', now));
    await step(intentSeen(b, { status: 'requires_capture' }, now));
    await step(sold(b, { seats: b.seats, places: [1, 2], ticketIds: [ulid(), ulid()] }, now));
    await step(captured(b, now));
    expect(b.dueAt).toBeUndefined();
    expect(await store.find(b.bookingId)).toMatchObject({ status: 'confirmed' });
  });

  it('writes nothing of it once another writer was first', async () => {
    const { store } = open();
    const b = aBooking();
    await store.insert(b);
    const change = pinned(b, b.holdDeadline, now);
    await store.touch(b.bookingId, now);
    expect(await store.commit(change, b)).toBe('stale');
  });
}

function oneBooking(open: () => StoreUnderTest): void {
  it('gives back what was written, and knows nothing of others', async () => {
    const { store } = open();
    const b = aBooking();
    expect(await store.insert(b)).toBe('inserted');
    expect(await store.find(b.bookingId)).toEqual(b);
    expect(await store.findActive(b.reservationId)).toEqual(b);
    expect(await store.find(aBooking().bookingId)).toBeUndefined();
  });

  it('keeps one active booking per reservation', async () => {
    const { store } = open();
    const hold = aHold();
    const first = aBooking(hold);
    const twins = await Promise.all(
      [first, aBooking(hold), aBooking(hold)].map(store.insert, store),
    );
    expect(twins.sort()).toEqual(['exists', 'exists', 'inserted']);
    const b = await store.findActive(hold.holdId);
    if (b === undefined) throw new Error('none inserted');
    await commit(store, ended(b, 'expired', 'reservation-expired', now));
    expect(await store.findActive(hold.holdId)).toBeUndefined();
    expect(await store.insert(aBooking(hold))).toBe('inserted');
  });

  it('writes a change only over the version it was made from', async () => {
    const { store } = open();
    const b = aBooking();
    await store.insert(b);
    const change = pinned(b, b.holdDeadline, now);
    expect(await store.commit(change)).toBe('done');
    expect(await store.commit(change)).toBe('stale');
    expect(await store.find(b.bookingId)).toEqual(change.booking);
  });
}

function aSale(open: () => StoreUnderTest): void {
  it('confirms in one piece: booking, a ticket a seat, ledger, message', async () => {
    const { store, outbox, ledger } = open();
    const b = await confirmedBooking(store);
    const found = await store.find(b.bookingId);
    expect(found).toMatchObject({ status: 'confirmed' });
    expect(found?.dueAt).toBeUndefined();
    const tickets = await store.tickets([b.bookingId]);
    expect(tickets.map((t) => [t.place, t.active, t.attendee])).toEqual([
      [7, true, 'Ada'],
      [8, true, undefined],
    ]);
    expect(balancesOf(await ledger(b.bookingId))).toMatchObject({
      buyer: 0,
      provider: 4_111,
      organizer: -4_000,
      fees: -100,
      taxes: -11,
      owed: 0,
    });
    const due = await outbox.dueMessages(now + limits.stepRetryMs, 1_000);
    expect(due).toContain(`${b.bookingId}:confirmed`);
  });

  it('lets one of many workers write a sale, and all of it once', async () => {
    const { store, ledger } = open();
    const b = aBooking();
    await store.insert(b);
    const sale = await toSell(store, b);
    const results = await Promise.all(Array.from({ length: 6 }, () => store.commit(sale)));
    expect(results.filter((r) => r === 'done')).toHaveLength(1);
    expect(results.filter((r) => r === 'stale')).toHaveLength(5);
    expect(await store.tickets([b.bookingId])).toHaveLength(2);
    expect(await ledger(b.bookingId)).toHaveLength(1);
  });

  it('refuses a second active ticket of a place and writes nothing of that sale', async () => {
    const { store, ledger } = open();
    const hold = aHold();
    const first = await confirmedBooking(store, hold);
    const other = aBooking(aHold(hold.eventId));
    await store.insert(other);
    const sale = await toSell(store, other);
    expect(await store.commit(sale)).toBe('place-taken');
    expect((await store.find(other.bookingId))?.version).toBe(sale.expected);
    expect(await store.tickets([other.bookingId])).toEqual([]);
    expect(await ledger(other.bookingId)).toEqual([]);
    const tickets = await store.tickets([first.bookingId]);
    const decision = cancel(first, tickets, {}, now);
    if (decision.kind !== 'done') throw new Error(decision.kind);
    await commit(store, decision.change);
    expect(await store.commit(sale)).toBe('done');
  });

  it('two sales of one place at once: one is written, the other refused', async () => {
    const { store } = open();
    const eventId = aHold().eventId;
    const rivals = [aBooking(aHold(eventId)), aBooking(aHold(eventId))];
    const sales: Change[] = [];
    for (const rival of rivals) {
      await store.insert(rival);
      sales.push(await toSell(store, rival));
    }
    const results = await Promise.all(sales.map((sale) => store.commit(sale)));
    expect(results.sort()).toEqual(['done', 'place-taken']);
    expect(await store.tickets(rivals.map((r) => r.bookingId))).toHaveLength(2);
  });
}

function whatIsDue(open: () => StoreUnderTest): void {
  it('shows what is due, the longest overdue first, and gives it to one taker', async () => {
    const { store } = open();
    const bookings = [1, 2, 3].map((i) => aBooking(aHold(), 1_000 * i));
    for (const b of bookings) await store.insert(b);
    const due = await store.due(1_000 * 3 + 15_000, 2);
    expect(due.map((d) => d.bookingId)).toEqual(bookings.slice(0, 2).map((b) => b.bookingId));
    const [first] = due;
    if (first === undefined) throw new Error('nothing due');
    const takers = await Promise.all([1, 2, 3].map(() => store.take(first, 99_000)));
    expect(takers.filter((t) => t !== undefined)).toHaveLength(1);
    expect(await store.find(first.bookingId)).toMatchObject({ version: 2, dueAt: 99_000 });
    for (const b of bookings) {
      const found = await store.find(b.bookingId);
      if (found) await commit(store, ended(found, 'expired', 'test', now));
    }
  });

  it('makes a booking due at news, also a finished one, and voids a running step', async () => {
    const { store } = open();
    const b = aBooking();
    await store.insert(b);
    expect(await store.touch(b.bookingId, 5)).toBe(true);
    expect(await store.find(b.bookingId)).toMatchObject({ version: 2, dueAt: 5 });
    expect(await store.commit(pinned(b, b.holdDeadline, now))).toBe('stale');
    const done = await confirmedBooking(store);
    await store.touch(done.bookingId, now);
    expect((await store.find(done.bookingId))?.dueAt).toBe(now);
    expect(await store.touch(aBooking().bookingId, 5)).toBe(false);
  });
}

function lookingUp(open: () => StoreUnderTest): void {
  it('lists a buyer’s bookings, newest first, stable while rows are added', async () => {
    const { store } = open();
    const { buyerId } = aHold();
    const make = async (at: number): Promise<string> => {
      const b = aBooking({ ...aHold(), buyerId }, at);
      await store.insert(b);
      return b.bookingId;
    };
    const ids = [await make(now), await make(now), await make(now + 1), await make(now + 2)];
    const first = await store.list(buyerId, undefined, 2);
    expect(first.map((b) => b.bookingId)).toEqual([ids[3], ids[2]]);
    await make(now + 3);
    const rest = await store.list(buyerId, first.at(-1), 10);
    expect(rest.map((b) => b.bookingId)).toEqual([ids[1], ids[0]]);
  });

  it('finds those to remind until they are, of these events and that time', async () => {
    const { store } = open();
    const [b, other] = [await confirmedBooking(store), await confirmedBooking(store)];
    const unpaid = aBooking(aHold(b.eventId));
    await store.insert(unpaid);
    const ids = async (eventIds: readonly string[], until = now + 3_600_000) => {
      const found = await store.toRemind(eventIds, now, until, 1_000);
      return found.map((f) => f.bookingId).sort();
    };
    const both = [b.eventId, other.eventId];
    expect(await ids(both)).toEqual([b.bookingId, other.bookingId].sort());
    expect(await store.toRemind(both, now, now + 3_600_000, 1)).toHaveLength(1);
    expect(await ids(both, now + 3_599_999)).toEqual([]);
    expect(await ids([])).toEqual([]);
    await commit(store, reminded(b, now));
    expect(await ids([b.eventId])).toEqual([]);
    expect(await ids(both)).toEqual([other.bookingId]);
  });

  it('finds those whose next instalment is due, and no others', async () => {
    const { store } = open();
    const waiting = async (step: 'owing' | 'charge', dueAt: number): Promise<string> => {
      const b: Booking = { ...aBooking(), status: 'confirmed', step, dueAt };
      await store.insert(b);
      return b.bookingId;
    };
    const [later, due] = [await waiting('owing', now + 9), await waiting('owing', now + 5)];
    await waiting('charge', now + 5);
    const found = await store.dueInstalments(now + 8, 1_000);
    expect(found).toContain(due);
    expect(found).not.toContain(later);
    expect(await store.dueInstalments(now + 9, 1_000)).toEqual([...found, later]);
  });

  it('gives a message to one relay at a time, until it is stored or given up', async () => {
    const { store, outbox } = open();
    const b = await confirmedBooking(store);
    const key = `${b.bookingId}:confirmed`;
    // The writer's, who has begun to deliver it.
    const free = now + limits.stepRetryMs;
    expect(await outbox.takeMessage(key, free - 1, free)).toBeUndefined();
    const takes = await Promise.all([1, 2, 3].map(() => outbox.takeMessage(key, free, free + 10)));
    const taken = takes.filter((t) => t !== undefined);
    expect(taken).toHaveLength(1);
    expect(taken[0]).toMatchObject({ tries: 2, message: { key, kind: 'booking-confirmed' } });
    await outbox.failed(key, 'no answer', free + 20);
    expect(await outbox.takeMessage(key, free + 19, free + 30)).toBeUndefined();
    expect(await outbox.takeMessage(key, free + 20, free + 30)).toMatchObject({ tries: 3 });
    await outbox.done(key, free + 25);
    expect(await outbox.takeMessage(key, free + 99, free + 100)).toBeUndefined();
    const other = await confirmedBooking(store);
    await outbox.failed(`${other.bookingId}:confirmed`, 'gone', undefined);
    expect(await outbox.dueMessages(free + 99, 1_000)).not.toContain(
      `${other.bookingId}:confirmed`,
    );
  });

  it('says of a message to somebody without an address that it is not to be sent', async () => {
    const { store, outbox } = open();
    const walkIn: Booking = { ...aBooking(), contact: { name: 'Walk-in' } };
    await store.insert(walkIn);
    const sale = await commit(store, await toSell(store, walkIn));
    await commit(store, captured(sale, now));
    const free = now + limits.stepRetryMs;
    const taken = await outbox.takeMessage(`${walkIn.bookingId}:confirmed`, free, free + 10);
    expect(taken?.message).toMatchObject({ silent: true, to: { userId: walkIn.buyerId } });
  });
}

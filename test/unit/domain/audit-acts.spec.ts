import { describe, expect, it } from '@jest/globals';
import {
  actOfEvent,
  actOfKept,
  actOfLedger,
  actOfMessage,
  changedFields,
  isFreeAct,
  parseSource,
} from '#domain/audit-acts.ts';
import type { LedgerEntry } from '#domain/ledger.ts';

const entry = (kind: LedgerEntry['kind'], part: string): LedgerEntry => ({
  id: `bkg_1:${part}`,
  eventId: 'evt_1',
  bookingId: 'bkg_1',
  kind,
  currency: 'EUR',
  postings: [{ debit: 'buyer', credit: 'organizer', amount: 100 }],
  at: 5,
});
const concerned = { organizerId: 'org_1', buyerId: 'usr_1' };

describe('an act of the ledger', () => {
  it.each([
    ['sale', 'sale', 'booking.sold', 'usr_1'],
    ['cash', 'cash', 'payment.captured', 'system'],
    ['reversal', 'cancelled-1', 'booking.cancelled', 'usr_1'],
    ['reversal', 'undone', 'booking.undone', 'system'],
    ['refund', 'refunded-1', 'payment.refunded', 'system'],
    ['stray-cash', 'stray-1', 'payment.stray', 'system'],
  ] as const)('a %s (%s) is %s by %s', (kind, part, act, actor) => {
    expect(actOfLedger(entry(kind, part), concerned)).toMatchObject({
      source: `ledger:bkg_1:${part}`,
      organizerId: 'org_1',
      at: 5,
      act,
      actor,
      subject: 'bkg_1',
      data: { part, currency: 'EUR', eventId: 'evt_1', buyerId: 'usr_1' },
    });
  });

  it('stands in a chain of its own when nobody owns the event', () => {
    const nobody = { organizerId: undefined, buyerId: undefined };
    const act = actOfLedger(entry('sale', 'sale'), nobody);
    expect(act).toMatchObject({ organizerId: 'unknown', actor: 'system' });
  });
});

describe('an act of a message', () => {
  const message = (kind: string, amount: number) => ({
    key: 'bkg_1:confirmed',
    eventId: 'evt_1',
    kind,
    to: { userId: 'usr_1' },
    data: { bookingId: 'bkg_1', seats: [], amount: { amount, currency: 'EUR' } },
  });

  it('is one only where no money moves', () => {
    expect(isFreeAct(message('booking-confirmed', 0))).toBe(true);
    expect(isFreeAct(message('booking-cancelled', 0))).toBe(true);
    expect(isFreeAct(message('booking-confirmed', 1))).toBe(false);
    expect(isFreeAct(message('booking-reminder', 0))).toBe(false);
  });

  it('names booking, buyer and time', () => {
    expect(actOfMessage(message('booking-confirmed', 0), 'org_1', 9)).toMatchObject({
      source: 'message:bkg_1:confirmed',
      act: 'booking.sold',
      actor: 'usr_1',
      subject: 'bkg_1',
      at: 9,
    });
  });
});

describe('sources', () => {
  it('are read back', () => {
    const own = { no: 3, at: 1, actor: 'usr_1', act: 'event.paused', data: {} };
    expect(parseSource(actOfEvent('evt_1', 'org_1', own).source)).toEqual({
      of: 'event',
      eventId: 'evt_1',
      no: 3,
    });
    expect(parseSource('ledger:bkg_1:sale')).toEqual({ of: 'ledger', id: 'bkg_1:sale' });
    const kept = { organizerId: 'org_1', at: 1, actor: 'usr_1', act: 'x', subject: 's', data: {} };
    for (const kind of ['promotion', 'staff'] as const) {
      const { source } = actOfKept(kind, 'a:1', kept);
      expect(parseSource(source)).toEqual({ of: kind, id: 'a:1' });
    }
    expect(parseSource('message:bkg_1:x')).toEqual({ of: 'message', id: 'bkg_1:x' });
    expect(parseSource('event:evt_1')).toBeUndefined();
    expect(parseSource('else')).toBeUndefined();
  });
});

describe('changed fields', () => {
  it('are those that differ, with what they were', () => {
    const row = { title: 'A', prices: [{ category: 'x.$y', amount: 1 }], ageLimit: 3 };
    const set = { title: 'A', prices: [{ category: 'x.$y', amount: 2 }], doorsAt: 7 };
    expect(changedFields(row, set)).toEqual({
      prices: { from: row.prices, to: set.prices },
      doorsAt: { from: null, to: 7 },
    });
  });
});

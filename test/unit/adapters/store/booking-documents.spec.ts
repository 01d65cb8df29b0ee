import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  fromLedgerDocument,
  toBookingDocument,
  toLedgerDocuments,
  updateOf,
} from '#adapters/store/booking-documents.ts';
import type { Attempt, Booking } from '#domain/booking.ts';
import { openBooking } from '#domain/booking-moves.ts';
import { type LedgerEntry, salePostings } from '#domain/ledger.ts';
import { bookingIdOf, FakeEvent, ManualClock, quoteOf } from '#test/unit/flows/world.ts';

const clock = new ManualClock();
const wish = { key: 'k', token: 'pm_1', equalSeats: false, attendees: [] };
const { hold } = new FakeEvent(clock, quoteOf(5_000));
const opened = openBooking(bookingIdOf(1), hold, wish, undefined, clock.now());

type Fields = Record<string, unknown>;

/** What MongoDB makes of a document: paths are at most two names below `attempts`. */
function updated(document: object, update: ReturnType<typeof updateOf>): Fields {
  const result = structuredClone(document) as Fields;
  const ownerOf = (path: string): [Fields, string] => {
    const [name = '', index, field] = path.split('.');
    if (index === undefined || field === undefined) return [result, path];
    return [(result[name] as Fields[])[Number(index)] ?? {}, field];
  };
  for (const [path, value] of Object.entries(update.$set ?? {})) {
    const [owner, field] = ownerOf(path);
    owner[field] = value;
  }
  for (const path of Object.keys(update.$unset ?? {})) {
    const [owner, field] = ownerOf(path);
    delete owner[field];
  }
  return result;
}

const maybe = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);
const attempts: fc.Arbitrary<Attempt> = fc.record({
  no: fc.constant(1),
  key: fc.constant('k'),
  asked: fc.constant('body'),
  state: fc.constantFrom('new', 'open', 'canceled', 'captured'),
  token: maybe('pm_1', 'pm_2'),
  intentId: maybe('pi_1', 'pi_2'),
});
const bookings: fc.Arbitrary<Booking> = fc
  .record(
    {
      status: fc.constantFrom('pending', 'confirmed', 'expired'),
      dueAt: maybe(1, 2),
      reason: maybe('declined'),
      alarm: maybe('look'),
      attempts: fc.array(attempts, { maxLength: 3 }),
      seats: fc.constantFrom(opened.seats, opened.seats.slice(1)),
    },
    { requiredKeys: ['status', 'attempts'] },
  )
  .map((patch) => ({ ...opened, ...patch }));

describe('the update of a booking', () => {
  it('turns the document of the one into that of the other', () => {
    fc.assert(
      fc.property(bookings, bookings, (before, after) => {
        const stored = updated(toBookingDocument(before), updateOf(before, after));
        expect(stored).toEqual(toBookingDocument(after));
      }),
    );
  });

  it('names what differs and nothing else', () => {
    const [attempt] = opened.attempts;
    const next = { ...opened, version: 2, attempts: [{ ...attempt, intentId: 'pi_1' }] } as Booking;
    expect(updateOf(opened, next)).toEqual({
      $set: { version: 2, 'attempts.0.intentId': 'pi_1' },
    });
    expect(updateOf({ ...opened, dueAt: 1 }, { ...opened, dueAt: undefined })).toEqual({
      $unset: { dueAt: '' },
    });
  });

  it('leaves its reservation to another booking once it has ended', () => {
    const [attempt] = opened.attempts;
    const attempts = [{ ...attempt, state: 'canceled', intentId: 'pi_1' }];
    expect(updateOf(opened, { ...opened, status: 'expired', attempts } as Booking)).toEqual({
      $set: {
        status: 'expired',
        active: false,
        'attempts.0.state': 'canceled',
        'attempts.0.intentId': 'pi_1',
      },
      $unset: { keys: '' },
    });
  });
});

describe('the entries that a transaction writes', () => {
  const entriesOf = (eventIds: readonly string[]): LedgerEntry[] =>
    eventIds.map((eventId, no) => ({
      id: `${eventId}:${no}`,
      eventId,
      bookingId: bookingIdOf(no),
      kind: 'sale',
      currency: 'EUR',
      postings: salePostings({ organizer: 900, fees: 60, taxes: 40 }),
      at: no,
    }));

  it('have one mark for each event, which stands for each of its entries once', () => {
    const events = fc.array(fc.constantFrom('evt_1', 'evt_2', 'evt_3'), { maxLength: 30 });
    fc.assert(
      fc.property(events, (eventIds) => {
        const entries = entriesOf(eventIds);
        const documents = toLedgerDocuments(entries);
        const byId = (a: LedgerEntry, b: LedgerEntry) => a.at - b.at;
        expect(documents.map(fromLedgerDocument).sort(byId)).toEqual(entries);
        const heads = documents.filter(({ unaudited }) => unaudited !== undefined);
        expect(heads).toHaveLength(new Set(eventIds).size);
        const marked = heads.flatMap(({ _id, unaudited }) => {
          const others = unaudited === undefined || unaudited === true ? [] : unaudited;
          return [_id, ...others];
        });
        expect(marked.toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
        for (const { _id, eventId, unaudited } of heads) {
          const others = unaudited === undefined || unaudited === true ? [] : unaudited;
          expect([_id, ...others].every((id) => id.startsWith(eventId))).toBe(true);
        }
      }),
    );
  });
});

import type { Db } from 'mongodb';
import { systemIds } from '#adapters/ids/system.ts';
import {
  collections,
  type LedgerDocument,
  toLedgerDocuments,
} from '#adapters/store/booking-documents.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import {
  cashPostings,
  type LedgerEntry,
  refundPostings,
  reversalPostings,
  type Shares,
  salePostings,
} from '#domain/ledger.ts';

/** An organizer with an event, as far as the books look at them. */
export async function ownedEvent(db: Db, title = 'A play', organizerId?: string) {
  const organizer = organizerId ?? makeId('organizer', systemIds.ulid());
  const eventId = makeId('event', systemIds.ulid());
  const row = { _id: eventId, organizerId: organizer, title } as EventRow;
  await db.collection<EventRow>('events').insertOne(row);
  return { organizerId: organizer, eventId };
}

const shares: Shares = { organizer: 900, fees: 60, taxes: 40 };

/** The ledger of a booking as its steps write it: sold and captured, then cancelled, refunded. */
export function entriesOf(
  eventId: string,
  at: number,
  { cancelled = false, currency = 'EUR', own = shares } = {},
): readonly LedgerEntry[] {
  const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
  const total = own.organizer + own.fees + own.taxes;
  const entry = (
    kind: LedgerEntry['kind'],
    part: string,
    ms: number,
    postings: LedgerEntry['postings'],
  ): LedgerEntry => ({
    id: `${bookingId}:${part}`,
    eventId,
    bookingId,
    kind,
    currency,
    postings,
    at: at + ms,
  });
  return [
    entry('sale', 'sale', 0, salePostings(own)),
    entry('cash', 'cash', 10, cashPostings(total)),
    ...(cancelled
      ? [
          entry('reversal', 'cancelled-1', 20, reversalPostings(own, true)),
          entry('refund', 'refunded-1', 30, refundPostings(total)),
        ]
      : []),
  ];
}

/** As one transaction writes them. */
export async function book(db: Db, entries: readonly LedgerEntry[]): Promise<void> {
  const ledger = db.collection<LedgerDocument>(collections.ledger);
  await ledger.insertMany([...toLedgerDocuments(entries)]);
}

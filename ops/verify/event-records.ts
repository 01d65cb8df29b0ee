import type { Db } from 'mongodb';
import { factsOf } from '#actors/entries.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { createMongoJournal } from '#adapters/journal/mongo-journal.ts';
import type { PaymentDoc } from '#adapters/payments/store.ts';
import {
  type BookingDocument,
  collections,
  fromBookingDocument,
  fromTicketDocument,
  type LedgerDocument,
  type OutboxDocument,
  type TicketDocument,
} from '#adapters/store/booking-documents.ts';
import { idsOfBundles, idsOfEvent } from '#adapters/store/id-ranges.ts';
import type { Booking } from '#domain/booking.ts';
import type { Counts } from '#domain/inventory/commands.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { countsOf, createState, type EventState } from '#domain/inventory/state.ts';
import { limits } from '#domain/limits.ts';
import type { Ticket } from '#domain/ticket.ts';
import { bundledPayments } from '#ops/bundle-payments.ts';

/** What an event's journal says, replayed from its first entry. */
export type JournalRecord = {
  readonly seq: number;
  readonly counts: Counts;
  readonly capacity: number;
  /** Place → the booking that has it. */
  readonly soldTo: ReadonlyMap<number, string>;
  /** Bookings with a `sold` fact, also those that were given back. */
  readonly sales: ReadonlySet<string>;
  /** Sequence numbers that are missing, and entries whose facts are gone. */
  readonly gaps: readonly number[];
};

/** Everything that is kept of one event's sales, by its owners' collections. */
export type EventRecords = {
  readonly eventId: string;
  readonly journal: JournalRecord;
  readonly bookings: ReadonlyMap<string, Booking>;
  /** Active ones. */
  readonly tickets: readonly Ticket[];
  readonly ledger: readonly LedgerDocument[];
  readonly payments: readonly PaymentDoc[];
  ledgerOf(bookingId: string): readonly LedgerDocument[];
  paymentsOf(bookingId: string): readonly PaymentDoc[];
  ticketsOf(bookingId: string): readonly Ticket[];
  /** Open and failed ones. */
  readonly outbox: readonly OutboxDocument[];
};

const pageSize = 1_000;

/** Bookings are read before the journal: a sale that is new to both is then known to the second. */
export async function readRecords(db: Db, eventId: string): Promise<EventRecords> {
  const ofEvent = idsOfEvent(eventId);
  // Messages about a bundle's money belong to its first event.
  const ofBundles = idsOfBundles(eventId);
  const documents = await db
    .collection<BookingDocument>(collections.bookings)
    .find({ _id: ofEvent })
    .toArray();
  const [tickets, ledger, payments, outbox] = await Promise.all([
    db.collection<TicketDocument>(collections.tickets).find({ eventId, active: true }).toArray(),
    db.collection<LedgerDocument>(collections.ledger).find({ _id: ofEvent }).toArray(),
    db.collection<PaymentDoc>('payments').find({ _id: ofEvent }).toArray(),
    db
      .collection<OutboxDocument>(collections.outbox)
      .find({ $or: [{ _id: ofEvent }, { _id: ofBundles }], state: { $in: ['open', 'failed'] } })
      .toArray(),
  ]);
  const active = tickets.map(fromTicketDocument);
  const paid = [...payments, ...(await bundledPayments(db, documents))];
  return {
    eventId,
    journal: await replayJournal(db, eventId),
    bookings: new Map(documents.map((d) => [d._id, fromBookingDocument(d)])),
    tickets: active,
    ledger,
    payments: paid,
    ledgerOf: byBooking(ledger),
    paymentsOf: byBooking(paid),
    ticketsOf: byBooking(active),
    outbox,
  };
}

function byBooking<T extends { readonly bookingId: string }>(items: readonly T[]) {
  const grouped = Map.groupBy(items, ({ bookingId }) => bookingId);
  return (bookingId: string): readonly T[] => grouped.get(bookingId) ?? [];
}

async function replayJournal(db: Db, eventId: string): Promise<JournalRecord> {
  const journal = createMongoJournal(db, limits, systemClock);
  const state = createState(eventId);
  const sales = new Set<string>();
  const gaps: number[] = [];
  let next = 1;
  for (;;) {
    const entries = await journal.history(eventId, next, pageSize);
    for (const entry of entries) {
      while (next < entry.seq) gaps.push(next++);
      next = entry.seq + 1;
      if (entry.facts === '') {
        gaps.push(entry.seq);
        continue;
      }
      for (const fact of factsOf(entry)) {
        if (fact.type === 'sold') sales.add(fact.booking);
        evolve(state, fact, entry.at, entry.seq);
      }
    }
    if (entries.length < pageSize) break;
  }
  const { size } = state.places;
  return {
    seq: next - 1,
    counts: countsOf(state),
    capacity: size,
    soldTo: soldIn(state),
    sales,
    gaps,
  };
}

function soldIn(state: EventState): Map<number, string> {
  const soldTo = new Map<number, string>();
  for (const [place, owner] of state.owners.entries()) {
    if (owner < 0) soldTo.set(place, state.sales.read(-owner - 1).bookingId);
  }
  return soldTo;
}

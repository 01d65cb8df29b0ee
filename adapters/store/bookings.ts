import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  type BookingDocument,
  collections,
  fromBookingDocument,
  fromTicketDocument,
  keyOf,
  type LedgerDocument,
  type OutboxDocument,
  type TicketDocument,
} from '#adapters/store/booking-documents.ts';
import { BookingWrites, keyIndex, placeIndex } from '#adapters/store/booking-writes.ts';
import type {
  BookingStore,
  CommitResult,
  InsertResult,
  ListPosition,
} from '#adapters/store/bookings.port.ts';
import { ClaimWrites, prepareClaims } from '#adapters/store/claim-writes.ts';
import { stored } from '#adapters/store/failures.ts';
import { intoLists } from '#adapters/store/former-indexes.ts';
import { GroupRead, inOneAnswer } from '#adapters/store/group-read.ts';
import { idsOfEvent } from '#adapters/store/id-ranges.ts';
import { dropUnused } from '#adapters/store/mongo.ts';
import type { Booking } from '#domain/booking.ts';
import type { Change } from '#domain/booking-moves.ts';
import { claimsSomething } from '#domain/claims.ts';
import { limits } from '#domain/limits.ts';
import type { Ticket } from '#domain/ticket.ts';

type Collections = {
  readonly bookings: Collection<BookingDocument>;
  readonly tickets: Collection<TicketDocument>;
  readonly ledger: Collection<LedgerDocument>;
  readonly outbox: Collection<OutboxDocument>;
};

const open = (db: Db): Collections => ({
  bookings: db.collection(collections.bookings),
  tickets: db.collection(collections.tickets),
  ledger: db.collection(collections.ledger),
  outbox: db.collection(collections.outbox),
});

/**
 * Creates collections and indexes where they are missing; may be called by several nodes at once.
 * (A transaction must not have to create a collection.)
 */
export async function prepareBookings(db: Db): Promise<void> {
  const { bookings, tickets, ledger, outbox } = open(db);
  await Promise.all([
    prepareClaims(db),
    bookings.createIndexes([
      { key: { dueAt: 1 }, partialFilterExpression: { dueAt: { $exists: true } } },
      {
        key: { keys: 1 },
        name: keyIndex,
        unique: true,
        partialFilterExpression: { keys: { $exists: true } },
      },
      { key: { refs: 1, createdAt: -1, _id: -1 } },
    ]),
    tickets.createIndexes([
      {
        key: { eventId: 1, place: 1 },
        name: placeIndex,
        unique: true,
        partialFilterExpression: { active: true },
      },
      { key: { bookingId: 1 } },
    ]),
    ledger.createIndexes([
      {
        key: { at: 1 },
        name: 'marked_for_the_audit_log',
        partialFilterExpression: { unaudited: { $exists: true } },
      },
    ]),
    dropUnused(ledger, ['at_1', 'eventId_1', 'bookingId_1']),
    outbox.createIndexes([
      { key: { dueAt: 1 }, partialFilterExpression: { state: 'open' } },
      { key: { createdAt: 1 }, partialFilterExpression: { unaudited: true } },
    ]),
    dropUnused(outbox, ['eventId_1_state_1']),
  ]);
  await intoLists(bookings);
  await dropUnused(bookings, ['event.startsAt_1', 'refs_1']);
}

/** Bookings in MongoDB. Call `prepareBookings` first. */
export class MongoBookings implements BookingStore {
  readonly #on: Collections;
  readonly #writes: BookingWrites;
  readonly #claims: ClaimWrites;
  readonly #byId: GroupRead<BookingDocument>;
  readonly #activeByReservation: GroupRead<BookingDocument>;
  readonly #ticketsByBooking: GroupRead<TicketDocument>;
  readonly #maxTimeMS = limits.databaseTimeoutMs;

  constructor(db: Db, clock: Clock) {
    this.#on = open(db);
    this.#writes = new BookingWrites(db, clock);
    this.#claims = new ClaimWrites(db, clock);
    this.#byId = new GroupRead(
      clock,
      (ids) => this.#all({ _id: { $in: ids } }),
      ({ _id }) => _id,
    );
    this.#activeByReservation = new GroupRead(
      clock,
      (ids) => this.#all({ keys: { $in: ids } }),
      ({ reservationId }) => reservationId,
    );
    this.#ticketsByBooking = new GroupRead(
      clock,
      (ids) => this.#ticketsOf(ids),
      ({ bookingId }) => bookingId,
    );
  }

  insert(booking: Booking): Promise<InsertResult> {
    return claimsSomething(booking) ? this.#claims.insert(booking) : this.#writes.insert(booking);
  }

  async find(bookingId: string): Promise<Booking | undefined> {
    const found = await this.#byId.one(bookingId);
    return found && fromBookingDocument(found);
  }

  async findActive(reservationId: string): Promise<Booking | undefined> {
    const found = await this.#activeByReservation.one(reservationId);
    return found && fromBookingDocument(found);
  }

  findByKey(buyerId: string, key: string): Promise<Booking | undefined> {
    return this.#one({ keys: keyOf(buyerId, key) });
  }

  async openOfEvent(eventId: string, after: string | undefined, limit: number) {
    const { $gte, $lt } = idsOfEvent(eventId);
    const query = this.#on.bookings
      .find(
        {
          _id: after === undefined ? { $gte, $lt } : { $gt: after, $lt },
          $or: [{ active: true }, { dueAt: { $exists: true } }],
        },
        { maxTimeMS: this.#maxTimeMS },
      )
      .sort({ _id: 1 })
      .limit(limit);
    const found = await stored(() => query.toArray());
    return found.map(fromBookingDocument);
  }

  async tickets(bookingIds: readonly string[]): Promise<readonly Ticket[]> {
    const [only] = bookingIds;
    const found =
      only !== undefined && bookingIds.length === 1
        ? await this.#ticketsByBooking.all(only)
        : await this.#ticketsOf(bookingIds);
    return found.map(fromTicketDocument);
  }

  async due(now: number, limit: number) {
    const query = this.#on.bookings
      .find({ dueAt: { $lte: now } }, { maxTimeMS: this.#maxTimeMS })
      .sort({ dueAt: 1 })
      .limit(limit)
      .project<{ _id: string; version: number }>({ version: 1 });
    const found = await stored(() => query.toArray());
    return found.map(({ _id, version }) => ({ bookingId: _id, version }));
  }

  async dueInstalments(now: number, limit: number): Promise<readonly string[]> {
    const query = this.#on.bookings
      .find({ dueAt: { $lte: now }, step: 'owing' }, { maxTimeMS: this.#maxTimeMS })
      .sort({ dueAt: 1 })
      .limit(limit)
      .project<{ _id: string }>({ _id: 1 });
    return (await stored(() => query.toArray())).map(({ _id }) => _id);
  }

  async take(due: { readonly bookingId: string; readonly version: number }, dueAt: number) {
    const taken = await stored(() =>
      this.#on.bookings.findOneAndUpdate(
        { _id: due.bookingId, version: due.version },
        { $inc: { version: 1 }, $set: { dueAt } },
        { returnDocument: 'after', maxTimeMS: this.#maxTimeMS },
      ),
    );
    return taken === null ? undefined : fromBookingDocument(taken);
  }

  async touch(bookingId: string, now: number): Promise<boolean> {
    const { matchedCount } = await stored(() =>
      this.#on.bookings.updateOne(
        { _id: bookingId },
        { $inc: { version: 1 }, $min: { dueAt: now } },
        { maxTimeMS: this.#maxTimeMS },
      ),
    );
    return matchedCount === 1;
  }

  commit(change: Change, before?: Booking): Promise<CommitResult> {
    return this.#writes.commit(change, before);
  }

  async list(buyerId: string, after: ListPosition | undefined, limit: number) {
    const { bookingId: _id, createdAt } = after ?? {};
    const behind =
      after === undefined
        ? {}
        : { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, _id: { $lt: _id } }] };
    const query = this.#on.bookings
      .find({ refs: buyerId, ...behind } as object, { maxTimeMS: this.#maxTimeMS })
      .sort({ createdAt: -1, _id: -1 })
      .limit(limit);
    const found = await stored(() => query.toArray());
    return found.map(fromBookingDocument);
  }

  async toRemind(eventIds: readonly string[], from: number, to: number, limit: number) {
    if (eventIds.length === 0) return [];
    const query = this.#on.bookings
      .find(
        {
          $or: eventIds.map((eventId) => ({ _id: idsOfEvent(eventId) })),
          'event.startsAt': { $gt: from, $lte: to },
          status: { $in: ['confirmed', 'partially_refunded'] },
          reminded: { $ne: true },
        },
        { maxTimeMS: this.#maxTimeMS },
      )
      .limit(limit);
    const found = await stored(() => query.toArray());
    return found.map(fromBookingDocument);
  }

  #all(filter: object): Promise<BookingDocument[]> {
    const options = { maxTimeMS: this.#maxTimeMS, ...inOneAnswer };
    return stored(() => this.#on.bookings.find(filter, options).toArray());
  }

  #ticketsOf(bookingIds: readonly string[]): Promise<TicketDocument[]> {
    const filter = { bookingId: { $in: [...bookingIds] } };
    const options = { maxTimeMS: this.#maxTimeMS, ...inOneAnswer };
    return stored(() => this.#on.tickets.find(filter, options).sort({ place: 1 }).toArray());
  }

  async #one(filter: object): Promise<Booking | undefined> {
    const options = { maxTimeMS: this.#maxTimeMS };
    const found = await stored(() => this.#on.bookings.findOne(filter, options));
    return found === null ? undefined : fromBookingDocument(found);
  }
}

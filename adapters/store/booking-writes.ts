import type { AnyBulkWriteOperation, ClientSession, Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import {
  type BookingDocument,
  collections,
  type LedgerDocument,
  type OutboxDocument,
  type TicketDocument,
  toBookingDocument,
  toLedgerDocuments,
  toOutboxDocument,
  toTicketDocument,
  updateOf,
  withoutId,
} from '#adapters/store/booking-documents.ts';
import type { CommitResult } from '#adapters/store/bookings.port.ts';
import { giveBack } from '#adapters/store/claim-writes.ts';
import { insertNew, isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import type { Booking } from '#domain/booking.ts';
import type { Change } from '#domain/booking-moves.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import type { TicketStatus } from '#domain/ticket.ts';

/** Two active tickets of one place are refused by it. */
export const placeIndex = 'one_active_ticket_per_place';
/** Two bookings that remember the same key of a buyer are refused by it. */
export const keyIndex = 'one_booking_per_key';

/** Ends a transaction in which a compare-and-set found another version. */
export class Stale extends Error {}

type Insertion = { readonly booking: Booking; result: 'inserted' | 'exists' };
type Outcome = PromiseSettledResult<CommitResult>;
type Commitment = {
  readonly change: Change;
  /** What stands in the store, where the caller knows it. */
  readonly before: Booking | undefined;
  outcome: Outcome;
};
type Planned = Pick<Commitment, 'change'> & Partial<Pick<Commitment, 'before'>>;

const done: Outcome = { status: 'fulfilled', value: 'done' };
const full = () => new UsherError('overloaded', 'Too many bookings wait for the database');
const bounds = { groupMax: 512, waitingMax: 10_000, whenFull: full } as const;

/**
 * Writes of bookings; those of one moment share a message or a transaction, in which each keeps its
 * own compare-and-set. A shared transaction that one of them spoils is undone and tried again
 * without those that others were faster with, else in halves, down to the culprit: what is wrong
 * with one is told to that one only.
 */
export class BookingWrites {
  readonly #db: Db;
  readonly #bookings: Collection<BookingDocument>;
  readonly #tickets: Collection<TicketDocument>;
  readonly #ledger: Collection<LedgerDocument>;
  readonly #outbox: Collection<OutboxDocument>;
  readonly #insertions: GroupCommit<Insertion>;
  readonly #commitments: GroupCommit<Commitment>;

  constructor(db: Db, clock: Clock) {
    this.#db = db;
    this.#bookings = db.collection(collections.bookings);
    this.#tickets = db.collection(collections.tickets);
    this.#ledger = db.collection(collections.ledger);
    this.#outbox = db.collection(collections.outbox);
    this.#insertions = new GroupCommit({
      clock,
      ...bounds,
      write: (items) => stored(() => this.#insertAll(items)),
    });
    this.#commitments = new GroupCommit({
      clock,
      ...bounds,
      groupMax: 256,
      // MongoDB works on a transaction with one thread; two keep a second core busy.
      lanes: 2,
      write: (items) => this.#commitAll(items),
    });
  }

  /** `exists`: see `InsertResult`. */
  async insert(booking: Booking): Promise<'inserted' | 'exists'> {
    const insertion: Insertion = { booking, result: 'inserted' };
    await this.#insertions.add(insertion);
    return insertion.result;
  }

  /** All of a change or nothing; rejects when that is not known. */
  async commit(change: Change, before?: Booking): Promise<CommitResult> {
    if (before !== undefined && before.version !== change.expected) {
      throw new Error(`version ${before.version} is not the one that the change expects`);
    }
    const commitment: Commitment = { change, before, outcome: done };
    await this.#commitments.add(commitment);
    const { outcome } = commitment;
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  async #insertAll(insertions: readonly Insertion[]): Promise<void> {
    const documents = insertions.map(({ booking }) => toBookingDocument(booking));
    const there = await insertNew(this.#bookings, documents);
    insertions.forEach((insertion, index) => {
      insertion.result = there.has(index) ? 'exists' : 'inserted';
    });
  }

  /** Never rejects: the outcomes say what became of each. */
  async #commitAll(commitments: readonly Commitment[]): Promise<void> {
    try {
      await stored(() => this.#transact(commitments));
    } catch (error) {
      const several = error instanceof Stale && commitments.length > 1;
      const overtaken = await this.#overtaken(several ? commitments : []);
      if (overtaken.size > 0) {
        for (const one of overtaken) one.outcome = { status: 'fulfilled', value: 'stale' };
        const others = commitments.filter((one) => !overtaken.has(one));
        if (others.length > 0) await this.#commitAll(others);
        return;
      }
      const half = Math.ceil(commitments.length / 2);
      // Only a refusal says for certain that nothing was written; else it is unknown for all.
      if (isRefusal(error) && half < commitments.length) {
        await this.#commitAll(commitments.slice(0, half));
        await this.#commitAll(commitments.slice(half));
        return;
      }
      const outcome = outcomeOf(error);
      for (const one of commitments) one.outcome = outcome;
    }
  }

  /** Those whose booking has gone on; none when that cannot be read. */
  async #overtaken(commitments: readonly Commitment[]): Promise<ReadonlySet<Commitment>> {
    if (commitments.length === 0) return new Set();
    const _id = { $in: commitments.map(({ change }) => change.booking.bookingId) };
    const query = this.#bookings
      .find({ _id }, { maxTimeMS: limits.databaseTimeoutMs, batchSize: bounds.groupMax })
      .project<{ _id: string; version: number }>({ version: 1 });
    const found = await stored(() => query.toArray()).catch(() => []);
    const versions = new Map(found.map((row) => [row._id, row.version]));
    const isBehind = ({ change }: Commitment): boolean =>
      (versions.get(change.booking.bookingId) ?? 0) > change.expected;
    return new Set(commitments.filter(isBehind));
  }

  /** The callback may run several times: it must not change anything outside the transaction. */
  async #transact(planned: readonly Planned[]): Promise<void> {
    await inTransaction(this.#db, (session) => this.write(planned, session, limits.stepRetryMs));
  }

  /**
   * Within a transaction of the caller's, which ends with what this throws: see `refusalOf`. For
   * `takenMs` the messages are the caller's to deliver.
   */
  async write(planned: readonly Planned[], session: ClientSession, takenMs: number): Promise<void> {
    if (planned.length === 0) return;
    const writes = planned.map(bookingWrite);
    const { matchedCount } = await this.#bookings.bulkWrite(writes, { session, ordered: true });
    if (matchedCount < planned.length) throw new Stale();
    const changes = planned.map(({ change }) => change);
    const issued = changes.flatMap((change) => change.issued.map(toTicketDocument));
    if (issued.length > 0) await this.#tickets.insertMany(issued, { session });
    const marks = changes.flatMap(ticketWrites);
    if (marks.length > 0) await this.#tickets.bulkWrite(marks, { session, ordered: true });
    const entries = toLedgerDocuments(changes.flatMap((change) => change.entries));
    if (entries.length > 0) await this.#ledger.insertMany(entries, { session });
    const messages = changes.flatMap((change) =>
      change.messages.map((m) => toOutboxDocument(m, change.booking.updatedAt, takenMs)),
    );
    if (messages.length > 0) await this.#outbox.insertMany(messages, { session });
    await giveBack(
      this.#db,
      changes.flatMap((change) => change.claims),
      session,
    );
  }
}

/** What a change does to tickets that are there. */
function ticketWrites(change: Change): AnyBulkWriteOperation<TicketDocument>[] {
  const { bookingId } = change.booking;
  const gone = { status: 'cancelled', active: false } as const;
  const marks = change.marked.map(({ ticketIds, status }) => {
    const from: TicketStatus = status === 'frozen' ? 'valid' : 'frozen';
    const filter = { _id: { $in: [...ticketIds] }, bookingId, status: from };
    return { updateMany: { filter, update: { $set: { status } } } };
  });
  if (change.voided.length === 0) return marks;
  const filter = { _id: { $in: [...change.voided] }, bookingId };
  return [...marks, { updateMany: { filter, update: { $set: gone } } }];
}

/** The compare-and-set of one booking. */
function bookingWrite({ change, before }: Planned): AnyBulkWriteOperation<BookingDocument> {
  const { expected, booking } = change;
  const filter = { _id: booking.bookingId, version: expected };
  return before === undefined
    ? { replaceOne: { filter, replacement: withoutId(toBookingDocument(booking)) } }
    : { updateOne: { filter, update: updateOf(before, booking) } };
}

const isRefusal = (error: unknown): boolean => error instanceof Stale || isDuplicateKey(error);

function outcomeOf(error: unknown): Outcome {
  const value = refusalOf(error);
  return value === undefined
    ? { status: 'rejected', reason: error }
    : { status: 'fulfilled', value };
}

/** Why a transaction was refused for certain; undefined: something else went wrong. */
export function refusalOf(error: unknown): 'stale' | 'place-taken' | undefined {
  if (error instanceof Stale) return 'stale';
  if (!isDuplicateKey(error)) return undefined;
  if (String(error).includes(keyIndex)) return 'stale';
  return String(error).includes(placeIndex) ? 'place-taken' : undefined;
}

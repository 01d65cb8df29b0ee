import type {
  BookingStore,
  CommitResult,
  DueBooking,
  InsertResult,
  ListPosition,
} from '#adapters/store/bookings.port.ts';
import { MemoryClaims } from '#adapters/store/memory-claims.ts';
import type { OutboxItem, OutboxStore } from '#adapters/store/outbox.port.ts';
import { type Booking, isActive, ownKeys } from '#domain/booking.ts';
import type { Message } from '#domain/booking-messages.ts';
import type { Change } from '#domain/booking-moves.ts';
import type { LedgerEntry } from '#domain/ledger.ts';
import { limits } from '#domain/limits.ts';
import type { Ticket } from '#domain/ticket.ts';

type OutboxRow = {
  readonly message: Message;
  readonly state: 'open' | 'done' | 'failed';
  readonly tries: number;
  readonly dueAt: number;
};

const order = (a: string, b: string): number => Number(a > b) - Number(a < b);

/**
 * Bookings in memory, for simulation and for tests of the flow: the same rules as the MongoDB
 * store, each call indivisible. Nothing survives the process.
 */
export class MemoryBookings implements BookingStore, OutboxStore {
  readonly #bookings = new Map<string, Booking>();
  readonly #tickets = new Map<string, Ticket>();
  readonly #ledger = new Map<string, LedgerEntry>();
  readonly #outbox = new Map<string, OutboxRow>();
  /** Promo codes and vouchers, for bookings to take from and give back to. */
  readonly claims = new MemoryClaims();

  /** For looking at what was written. */
  get contents() {
    return {
      bookings: [...this.#bookings.values()],
      tickets: [...this.#tickets.values()],
      ledger: [...this.#ledger.values()],
      outbox: [...this.#outbox.values()],
    };
  }

  async insert(booking: Booking): Promise<InsertResult> {
    return this.insertAll([booking]);
  }

  /** All of these, of which at most one takes something, or none; with what `order` takes. */
  insertAll(bookings: readonly Booking[], order?: Booking): InsertResult {
    for (const booking of bookings) {
      if (this.#bookings.has(booking.bookingId) || this.#hasItsKey(booking)) return 'exists';
      if (isActive(booking.status) && this.#active(booking.reservationId)) return 'exists';
    }
    const refused = order && this.claims.take(order);
    if (refused !== undefined) return refused;
    for (const booking of bookings) {
      const refusal = this.claims.take(booking);
      if (refusal !== undefined) return refusal;
      this.#bookings.set(booking.bookingId, booking);
    }
    return 'inserted';
  }

  async find(bookingId: string): Promise<Booking | undefined> {
    return this.#bookings.get(bookingId);
  }

  async findActive(reservationId: string): Promise<Booking | undefined> {
    return this.#active(reservationId);
  }

  async findByKey(buyerId: string, key: string): Promise<Booking | undefined> {
    return this.#all().find((b) => b.buyerId === buyerId && ownKeys(b).includes(key));
  }

  async openOfEvent(eventId: string, after = '', limit: number) {
    return this.#all()
      .filter((b) => b.eventId === eventId && b.bookingId > after)
      .filter((b) => isActive(b.status) || b.dueAt !== undefined)
      .sort((a, b) => order(a.bookingId, b.bookingId))
      .slice(0, limit);
  }

  async tickets(bookingIds: readonly string[]): Promise<readonly Ticket[]> {
    return [...this.#tickets.values()]
      .filter((t) => bookingIds.includes(t.bookingId))
      .sort((a, b) => a.place - b.place);
  }

  async due(now: number, limit: number): Promise<readonly DueBooking[]> {
    const dueAt = (b: Booking): number => b.dueAt ?? Number.POSITIVE_INFINITY;
    return this.#all()
      .filter((b) => dueAt(b) <= now)
      .sort((a, b) => dueAt(a) - dueAt(b))
      .slice(0, limit)
      .map(({ bookingId, version }) => ({ bookingId, version }));
  }

  async dueInstalments(now: number, limit: number): Promise<readonly string[]> {
    return (await this.due(now, Number.POSITIVE_INFINITY))
      .map(({ bookingId }) => bookingId)
      .filter((bookingId) => this.#bookings.get(bookingId)?.step === 'owing')
      .slice(0, limit);
  }

  async take({ bookingId, version }: DueBooking, dueAt: number): Promise<Booking | undefined> {
    const found = this.#bookings.get(bookingId);
    if (found?.version !== version) return undefined;
    const taken = { ...found, version: version + 1, dueAt };
    this.#bookings.set(bookingId, taken);
    return taken;
  }

  async touch(bookingId: string, now: number): Promise<boolean> {
    const found = this.#bookings.get(bookingId);
    if (found === undefined) return false;
    const dueAt = Math.min(found.dueAt ?? now, now);
    this.#bookings.set(bookingId, { ...found, version: found.version + 1, dueAt });
    return true;
  }

  async commit(change: Change): Promise<CommitResult> {
    return this.commitAll([change], limits.stepRetryMs);
  }

  /** All of these changes of different bookings, or none; for `takenMs` messages are the caller's. */
  commitAll(changes: readonly Change[], takenMs: number): CommitResult {
    for (const { booking, expected } of changes) {
      if (this.#bookings.get(booking.bookingId)?.version !== expected) return 'stale';
      if (this.#hasItsKey(booking)) return 'stale';
    }
    if (changes.some(({ issued }) => issued.some((t) => this.#isTaken(t)))) return 'place-taken';
    for (const { id } of changes.flatMap(({ entries }) => entries)) {
      if (this.#ledger.has(id)) throw new Error(`the ledger has ${id} already`);
    }
    for (const { key } of changes.flatMap(({ messages }) => messages)) {
      if (this.#outbox.has(key)) throw new Error(`the outbox has ${key} already`);
    }
    for (const change of changes) this.#write(change, takenMs);
    return 'done';
  }

  /** Entries and messages of no booking here. */
  note(
    entries: readonly LedgerEntry[],
    messages: readonly Message[],
    now: number,
    takenMs: number,
  ): void {
    for (const entry of entries) this.#ledger.set(entry.id, entry);
    const tries = takenMs > 0 ? 1 : 0;
    for (const message of messages) {
      this.#outbox.set(message.key, { message, state: 'open', tries, dueAt: now + takenMs });
    }
  }

  #write(change: Change, takenMs: number): void {
    const { booking, issued, voided, marked, entries, messages, claims } = change;
    this.#bookings.set(booking.bookingId, booking);
    for (const ticket of issued) this.#tickets.set(ticket.ticketId, ticket);
    for (const id of voided) {
      const ticket = this.#tickets.get(id);
      if (ticket) this.#tickets.set(id, { ...ticket, status: 'cancelled', active: false });
    }
    for (const { ticketIds, status } of marked) {
      for (const id of ticketIds) {
        const ticket = this.#tickets.get(id);
        if (ticket?.status !== (status === 'frozen' ? 'valid' : 'frozen')) continue;
        this.#tickets.set(id, { ...ticket, status });
      }
    }
    this.note(entries, messages, booking.updatedAt, takenMs);
    this.claims.giveBack(claims);
  }

  async list(buyerId: string, after: ListPosition | undefined, limit: number) {
    const newest = (a: ListPosition, b: ListPosition): number =>
      b.createdAt - a.createdAt || order(b.bookingId, a.bookingId);
    return this.#all()
      .filter((b) => b.buyerId === buyerId && (after === undefined || newest(after, b) < 0))
      .sort(newest)
      .slice(0, limit);
  }

  async toRemind(eventIds: readonly string[], from: number, to: number, limit: number) {
    const starts = (b: Booking): number => b.event?.startsAt ?? Number.NEGATIVE_INFINITY;
    return this.#all()
      .filter((b) => eventIds.includes(b.eventId))
      .filter((b) => b.status === 'confirmed' || b.status === 'partially_refunded')
      .filter((b) => b.reminded !== true && starts(b) > from && starts(b) <= to)
      .slice(0, limit);
  }

  async dueMessages(now: number, limit: number): Promise<readonly string[]> {
    return [...this.#outbox.values()]
      .filter((row) => row.state === 'open' && row.dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit)
      .map((row) => row.message.key);
  }

  async takeMessage(key: string, now: number, until: number): Promise<OutboxItem | undefined> {
    const row = this.#outbox.get(key);
    if (row?.state !== 'open' || row.dueAt > now) return undefined;
    const tries = row.tries + 1;
    this.#outbox.set(key, { ...row, tries, dueAt: until });
    return { message: row.message, tries };
  }

  async done(key: string): Promise<void> {
    this.#mark(key, { state: 'done' });
  }

  async failed(key: string, _why: string, dueAt: number | undefined): Promise<void> {
    this.#mark(key, dueAt === undefined ? { state: 'failed' } : { dueAt });
  }

  #mark(key: string, patch: Partial<OutboxRow>): void {
    const row = this.#outbox.get(key);
    if (row !== undefined) this.#outbox.set(key, { ...row, ...patch });
  }

  #all(): Booking[] {
    return [...this.#bookings.values()];
  }

  #active(reservationId: string): Booking | undefined {
    return this.#all().find((b) => b.reservationId === reservationId && isActive(b.status));
  }

  /** Whether another booking remembers a key of this one's buyer. */
  #hasItsKey({ bookingId, buyerId, ...rest }: Booking): boolean {
    const keys = ownKeys(rest);
    return (
      keys.length > 0 &&
      this.#all().some(
        (b) =>
          b.bookingId !== bookingId &&
          b.buyerId === buyerId &&
          ownKeys(b).some((key) => keys.includes(key)),
      )
    );
  }

  #isTaken({ eventId, place }: Ticket): boolean {
    return [...this.#tickets.values()].some(
      (t) => t.active && t.eventId === eventId && t.place === place,
    );
  }
}

import type { Document, WithoutId } from 'mongodb';
import { isFreeAct } from '#domain/audit-acts.ts';
import type { Booking } from '#domain/booking.ts';
import { isActive, ownKeys } from '#domain/booking.ts';
import type { Message } from '#domain/booking-messages.ts';
import type { LedgerEntry } from '#domain/ledger.ts';
import type { Ticket } from '#domain/ticket.ts';

/** Collections of the bookings service, its own; others only read them. */
export const collections = {
  bookings: 'bookings',
  tickets: 'tickets',
  ledger: 'ledger',
  outbox: 'bookings_outbox',
} as const;

/**
 * `active` is derived from the status. `refs` are what a booking is looked up by besides: its
 * buyer, the promo code and the voucher of its bill, its bundle, and the event that it is a free
 * booking of. `keys` stand under a unique index: those of `ownKeys`, as `keyOf` spells them, and,
 * while it is active, the reservation's id. (An index for each kind, and none to write while a
 * payment runs: in a transaction each index of the collection costs MongoDB more than the update
 * itself.)
 */
export type BookingDocument = Omit<Booking, 'bookingId'> & {
  readonly _id: string;
  readonly active: boolean;
  readonly refs: readonly string[];
  readonly keys?: readonly string[];
};
export type TicketDocument = Omit<Ticket, 'ticketId'> & { readonly _id: string };
export type LedgerDocument = Omit<LedgerEntry, 'id'> & {
  readonly _id: string;
  /**
   * A mark until it stands in the audit log; with ids of other entries, of its event and its
   * transaction, for these as well.
   */
  readonly unaudited?: true | readonly string[];
};

/** `open` until its consumer has stored it, or given up after the last try. */
export type OutboxDocument = Omit<Message, 'key'> & {
  readonly _id: string;
  readonly state: 'open' | 'done' | 'failed';
  readonly tries: number;
  readonly dueAt: number;
  readonly takenBy?: string;
  readonly createdAt: number;
  readonly doneAt?: number;
  readonly why?: string;
  /** Until it stands in the audit log; absent when the ledger tells the same. */
  readonly unaudited?: true;
};

export const toBookingDocument = ({ bookingId, ...rest }: Booking): BookingDocument => ({
  _id: bookingId,
  ...rest,
  active: isActive(rest.status),
  ...foundBy(rest),
});

/** An idempotency key in its scope. */
export const keyOf = (buyerId: string, key: string): string => `${buyerId}:${key}`;

/** What free bookings of an event are looked up by. */
export const freeRef = (eventId: string): string => `complimentary:${eventId}`;

/** What a booking is looked up by besides its own fields; `keys` are absent while there is none. */
function foundBy(booking: Omit<Booking, 'bookingId'>): Pick<BookingDocument, 'refs' | 'keys'> {
  const { bill, bundle, buyerId, eventId, reservationId, status } = booking;
  const free = bill?.by === 'complimentary' ? freeRef(eventId) : undefined;
  const all = [buyerId, bill?.promo?.promoId, bill?.voucher?.voucherId, bundle?.bundleId, free];
  const refs = all.filter((ref) => ref !== undefined);
  const own = ownKeys(booking).map((key) => keyOf(buyerId, key));
  const keys = isActive(status) ? [reservationId, ...own] : own;
  return { refs, ...(keys.length > 0 && { keys }) };
}

type Fields = Readonly<Record<string, unknown>>;
type Update = { readonly set: Record<string, unknown>; readonly unset: Record<string, ''> };

/** Notes under `path` what differs, except `attempts`. */
function differ({ set, unset }: Update, path: string, was: Fields, is: Fields): void {
  for (const key in is) {
    if (was[key] === is[key] || key === 'attempts') continue;
    if (is[key] === undefined) unset[path + key] = '';
    else set[path + key] = is[key];
  }
  for (const key in was) if (was[key] !== undefined && !(key in is)) unset[path + key] = '';
}

/**
 * What turns the document of `before` into that of `after`. Paths inside an attempt are named one by
 * one, so that MongoDB sees which indexes are not concerned.
 */
export function updateOf(before: Booking, after: Booking) {
  const update: Update = { set: {}, unset: {} };
  const { set, unset } = update;
  const [old, next] = [before.attempts, after.attempts];
  differ(update, '', before, after);
  const turned = isActive(before.status) !== isActive(after.status);
  if (turned) set.active = isActive(after.status);
  if (old.length !== next.length) set.attempts = next;
  else for (const [i, is] of next.entries()) differ(update, `attempts.${i}.`, old[i] ?? {}, is);
  if (turned || old !== next || before.bill !== after.bill) {
    const [was, is] = [foundBy(before), foundBy(after)];
    for (const name of ['refs', 'keys'] as const) {
      if (is[name] === undefined && was[name] !== undefined) unset[name] = '';
      if (is[name] !== undefined && String(is[name]) !== String(was[name])) set[name] = is[name];
    }
  }
  return {
    ...(Object.keys(set).length > 0 && { $set: set }),
    ...(Object.keys(unset).length > 0 && { $unset: unset }),
  };
}

export const fromBookingDocument = ({
  _id,
  active: _active,
  refs: _refs,
  keys: _keys,
  ...rest
}: BookingDocument): Booking => ({ bookingId: _id, ...rest });

export const toTicketDocument = ({ ticketId, ...rest }: Ticket): TicketDocument => ({
  _id: ticketId,
  ...rest,
});

export const fromTicketDocument = ({ _id, ...rest }: TicketDocument): Ticket => ({
  ticketId: _id,
  ...rest,
});

export const toLedgerDocument = ({ id, ...rest }: LedgerEntry): LedgerDocument => ({
  _id: id,
  ...rest,
  unaudited: true,
});

/**
 * Entries that one transaction writes. To take marks away costs as much as to write entries, so the
 * first one of each event carries the mark of all.
 */
export function toLedgerDocuments(entries: readonly LedgerEntry[]): readonly LedgerDocument[] {
  const ofEvents = Map.groupBy(entries, ({ eventId }) => eventId);
  return [...ofEvents.values()].flatMap((own): readonly LedgerDocument[] => {
    const [first, ...others] = own;
    if (first === undefined || others.length === 0) return own.map(toLedgerDocument);
    const unaudited = others.map(({ id }) => id);
    const unmarked = others.map(({ id: _id, ...rest }) => ({ _id, ...rest }));
    return [{ ...toLedgerDocument(first), unaudited }, ...unmarked];
  });
}

export const fromLedgerDocument = ({
  _id,
  unaudited: _,
  ...rest
}: LedgerDocument): LedgerEntry => ({ id: _id, ...rest });

/** `takenMs`: so long it is the writer's, who has begun to deliver it. */
export const toOutboxDocument = (
  { key, ...rest }: Message,
  now: number,
  takenMs = 0,
): OutboxDocument => ({
  _id: key,
  ...rest,
  state: 'open',
  tries: takenMs > 0 ? 1 : 0,
  dueAt: now + takenMs,
  createdAt: now,
  ...(isFreeAct(rest) && { unaudited: true }),
});

/** The whole document but its id, for a replacement. */
export const withoutId = <T extends Document & { readonly _id: string }>({
  _id,
  ...rest
}: T): WithoutId<T> => rest as WithoutId<T>;

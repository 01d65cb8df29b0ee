import { type Act, nobody } from '#domain/audit.ts';
import type { LedgerEntry } from '#domain/ledger.ts';

/** An organizer's act on an event, as it is kept with the event until it stands in the log. */
export type EventAct = {
  /** Counts the event's acts 1, 2, 3, … */
  readonly no: number;
  readonly at: number;
  readonly actor: string;
  readonly act: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Whom an act on a booking concerns. */
export type Concerned = {
  readonly organizerId: string | undefined;
  readonly buyerId: string | undefined;
};

/** What follows by itself has no person behind it. */
export const system = 'system';

const ledgerSource = 'ledger:';
const messageSource = 'message:';
const eventSource = 'event:';
/** Acts that are kept by themselves, beside what they did, and by what their source begins with. */
const keptSources = { promotion: 'promotion:', staff: 'staff:' } as const;
export type KeptSource = keyof typeof keptSources;

const actNames: Readonly<Record<string, string>> = {
  sale: 'booking.sold',
  cash: 'payment.captured',
  refund: 'payment.refunded',
  'stray-cash': 'payment.stray',
  goodwill: 'booking.goodwill',
  dispute: 'payment.disputed',
  voucher: 'voucher.spent',
  'voucher-refund': 'voucher.refunded',
  'voucher-issue': 'voucher.issued',
};

/** Cash at the box office, by kind. */
const tillActNames: Readonly<Record<string, string>> = {
  cash: 'payment.cash-taken',
  refund: 'payment.cash-returned',
};

const isTill = ({ postings }: LedgerEntry): boolean =>
  postings.some(({ debit, credit }) => debit === 'till' || credit === 'till');

/** Part of the ledger entry's id behind the booking: `sale`, `cancelled-2`, … */
const partOf = ({ id, bookingId }: LedgerEntry): string => id.slice(bookingId.length + 1);

function actNameOf(entry: LedgerEntry): string {
  if (entry.kind === 'reversal') {
    return partOf(entry) === 'undone' ? 'booking.undone' : 'booking.cancelled';
  }
  const till = isTill(entry) ? tillActNames[entry.kind] : undefined;
  return till ?? actNames[entry.kind] ?? `ledger.${entry.kind}`;
}

/**
 * Unless it says who: buying and cancelling are the buyer's acts, or the box office's; the rest
 * follows by itself.
 */
const actorOf = (act: string, buyerId: string | undefined): string =>
  act === 'booking.sold' || act === 'booking.cancelled' ? (buyerId ?? system) : system;

/** Money moved. */
export function actOfLedger(entry: LedgerEntry, { organizerId, buyerId }: Concerned): Act {
  const act = actNameOf(entry);
  const { eventId, currency, postings } = entry;
  return {
    source: `${ledgerSource}${entry.id}`,
    organizerId: organizerId ?? nobody,
    at: entry.at,
    actor: entry.by ?? actorOf(act, buyerId),
    act,
    subject: entry.bookingId,
    data: {
      eventId,
      buyerId: buyerId ?? null,
      part: partOf(entry),
      currency,
      postings,
      ...(entry.note === undefined ? {} : { note: entry.note }),
    },
  };
}

/** A message of a booking, as far as it may stand for an act. */
export type ActMessage = {
  readonly key: string;
  readonly eventId: string;
  readonly kind: string;
  readonly to: { readonly userId: string };
  readonly data: Readonly<Record<string, unknown>>;
};

const freeActNames: Readonly<Record<string, string>> = {
  'booking-confirmed': 'booking.sold',
  'booking-cancelled': 'booking.cancelled',
};

/** Tickets that cost nothing leave no ledger entry: their message stands for the act. */
export const isFreeAct = ({ kind, data }: Pick<ActMessage, 'kind' | 'data'>): boolean =>
  Object.hasOwn(freeActNames, kind) &&
  data.booked !== true &&
  (data.amount as { readonly amount?: unknown } | undefined)?.amount === 0;

/** The act a message stands for; only when `isFreeAct`. */
export function actOfMessage(
  message: ActMessage,
  organizerId: string | undefined,
  at: number,
): Act {
  const { key, eventId, kind, to, data } = message;
  const act = freeActNames[kind] ?? `booking.${kind}`;
  const { bookingId, seats, amount, by, note, complimentary } = data;
  return {
    source: `${messageSource}${key}`,
    organizerId: organizerId ?? nobody,
    at,
    actor: typeof by === 'string' ? by : actorOf(act, to.userId),
    act,
    subject: String(bookingId),
    data: {
      eventId,
      buyerId: to.userId,
      seats,
      amount,
      ...(complimentary === undefined ? {} : { complimentary }),
      ...(note === undefined ? {} : { note }),
    },
  };
}

/** An organizer's act on an event. */
export const actOfEvent = (eventId: string, organizerId: string, own: EventAct): Act => ({
  source: `${eventSource}${eventId}:${own.no}`,
  organizerId,
  at: own.at,
  actor: own.actor,
  act: own.act,
  subject: eventId,
  data: own.data,
});

/**
 * An act as it is kept beside what it did: `promotion`, on a promo code, a voucher or a package;
 * `staff`, on who works for an organizer.
 */
export const actOfKept = (kept: KeptSource, id: string, own: Omit<Act, 'source'>): Act => ({
  source: `${keptSources[kept]}${id}`,
  ...own,
});

export type SourceName =
  | { readonly of: 'ledger' | 'message' | KeptSource; readonly id: string }
  | { readonly of: 'event'; readonly eventId: string; readonly no: number };

/** What a source names; undefined for a text that names none. */
export function parseSource(source: string): SourceName | undefined {
  if (source.startsWith(ledgerSource)) {
    return { of: 'ledger', id: source.slice(ledgerSource.length) };
  }
  if (source.startsWith(messageSource)) {
    return { of: 'message', id: source.slice(messageSource.length) };
  }
  for (const kept of ['promotion', 'staff'] as const) {
    const prefix = keptSources[kept];
    if (source.startsWith(prefix)) return { of: kept, id: source.slice(prefix.length) };
  }
  const [, eventId, no] = /^event:(evt_\w+):(\d+)$/.exec(source) ?? [];
  if (eventId === undefined || no === undefined) return undefined;
  return { of: 'event', eventId, no: Number(no) };
}

/** The fields that `set` changes in `row`, each with what it was and what it becomes. */
export function changedFields(
  row: Readonly<Record<string, unknown>>,
  set: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const changed = Object.entries(set)
    .filter(([field, to]) => JSON.stringify(row[field]) !== JSON.stringify(to))
    .map(([field, to]) => [field, { from: row[field] ?? null, to: to ?? null }]);
  return Object.fromEntries(changed);
}

import {
  type Booking,
  type CancelOrder,
  type EventInfo,
  isActive,
  isLed,
  moved,
} from '#domain/booking.ts';
import { messageOf } from '#domain/booking-messages.ts';
import { type Change, change, soon } from '#domain/booking-moves.ts';
import { cancel } from '#domain/cancellation.ts';
import { isDisputed } from '#domain/dispute.ts';
import { limits } from '#domain/limits.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** What every booking of an event must hear of. Times epoch ms. */
export type EventNews =
  | { readonly kind: 'cancelled' }
  | {
      readonly kind: 'postponed';
      /** Counts the event's postponements 1, 2, 3, … */
      readonly no: number;
      /** With the new date. */
      readonly event: EventInfo;
      /** Until then tickets return all that was paid. */
      readonly refundUntil?: number | undefined;
    };

/**
 * Brings news to all bookings of an event, in rounds by their ids, until a round finds none that is
 * still under way. Whoever holds its version goes on with it.
 */
export type EventSweep = {
  readonly sweepId: string;
  readonly eventId: string;
  readonly news: EventNews;
  readonly state: 'running' | 'done';
  readonly version: number;
  /** When it must be looked at again; absent when it is done. */
  readonly dueAt?: number | undefined;
  /** The last booking that this round has looked at. */
  readonly after?: string | undefined;
  /** How many of this round were still under way. */
  readonly open: number;
  readonly round: number;
  readonly roundAt: number;
  readonly startedAt: number;
  readonly finishedAt?: number | undefined;
};

/** `no` tells the sweeps of an event apart. */
export const openSweep = (
  eventId: string,
  no: number,
  news: EventNews,
  now: number,
): EventSweep => ({
  sweepId: `${eventId}:${no}`,
  eventId,
  news,
  state: 'running',
  version: 1,
  dueAt: now,
  open: 0,
  round: 1,
  roundAt: now,
  startedAt: now,
});

/** Who orders the cancellation of an event's bookings. */
export const withTheEvent: CancelOrder = {
  actor: 'system',
  reason: 'event-cancelled',
  waiveRules: true,
};

/** What news do to one booking; `open`: a later round must look at it again. */
export type Told = { readonly change: Change | undefined; readonly open: boolean };

export const toldOf = (
  b: Booking,
  tickets: readonly Ticket[],
  news: EventNews,
  now: number,
): Told =>
  news.kind === 'cancelled' ? cancelledWith(b, tickets, now) : postponed(b, tickets, news, now);

function cancelledWith(b: Booking, tickets: readonly Ticket[], now: number): Told {
  // Its bundle ends it, since nothing of the event is sold any more.
  if (isLed(b)) return { change: undefined, open: true };
  const decision = cancel(b, tickets, { order: withTheEvent }, now);
  switch (decision.kind) {
    case 'done':
      return { change: decision.change, open: true };
    case 'refused':
      return { change: undefined, open: b.step !== 'done' };
    case 'requested':
      // It waits for the end of its dispute by itself.
      return { change: decision.change, open: !isDisputed(b) };
  }
}

function postponed(
  b: Booking,
  tickets: readonly Ticket[],
  { no, event, refundUntil }: EventNews & { kind: 'postponed' },
  now: number,
): Told {
  // Who bought for the new date was promised nothing else.
  const boughtForIt = b.postponed === undefined && b.event?.startsAt === event.startsAt;
  const heard = (b.postponed?.no ?? 0) >= no || boughtForIt;
  if (!isActive(b.status) || heard) return { change: undefined, open: false };
  if (b.status !== 'confirmed' && b.status !== 'partially_refunded') {
    return { change: undefined, open: true };
  }
  const known = { ...event, refundRules: b.event?.refundRules };
  const patch = { event: known, postponed: { no, refundUntil }, reminded: false, tries: b.tries };
  const next = moved(b, patch, now);
  const own = tickets.filter((t) => t.status === 'valid' || t.status === 'frozen');
  const seats = own.map((t) => t.seat);
  const message = messageOf(
    { ...b, event: known },
    'event-postponed',
    `postponed-${no}`,
    sumOf(own).paid,
    seats,
  );
  const data = { ...message.data, ...(refundUntil === undefined ? {} : { refundUntil }) };
  const messages = own.length === 0 ? [] : [{ ...message, data }];
  return { change: change(b, next, { messages }), open: false };
}

/** What a batch of at most `limit` bookings has shown. */
export type Batch = {
  readonly count: number;
  readonly open: number;
  readonly last: string | undefined;
};

/**
 * The sweep after one more batch. It ends with a round in which nothing was under way; news of a
 * new date also wait until no checkout can know the old one any more.
 */
export function swept(s: EventSweep, { count, open, last }: Batch, limit: number, now: number) {
  const next: EventSweep = { ...s, version: s.version + 1, open: s.open + open };
  if (count >= limit) return { ...next, after: last, dueAt: soon(now) };
  const over: EventSweep = { ...next, after: undefined, open: 0 };
  const settled = s.news.kind === 'cancelled' || s.roundAt >= s.startedAt + limits.eventInfoOldMs;
  if (next.open === 0 && settled) {
    return { ...over, state: 'done', dueAt: undefined, finishedAt: now } as const;
  }
  const wait = Math.min(
    limits.dueSweepEveryMs * 2 ** Math.min(s.round, 10),
    limits.sweepRoundMaxMs,
  );
  return { ...over, round: s.round + 1, roundAt: now + wait, dueAt: now + wait };
}

import type { Bill } from '#domain/bill.ts';
import type { Dispute } from '#domain/dispute.ts';
import type { SeatRef } from '#domain/inventory/commands.ts';
import type { IntentStatus } from '#domain/payment.ts';
import type { Quote } from '#domain/pricing.ts';
import type { RefundRules } from '#domain/refund-rules.ts';

/**
 * A booking: from a hold to tickets, or to nothing charged. `status` is what the buyer sees,
 * `step` what its flow does next; the tables below say which follow one another. Times are epoch
 * ms, amounts minor units of the quote's currency.
 */
export type Booking = {
  readonly bookingId: string;
  readonly eventId: string;
  readonly reservationId: string;
  readonly buyerId: string;
  readonly status: BookingStatus;
  readonly step: Step;
  /** Every write compares it and adds one. */
  readonly version: number;
  /** When the flow must look again; absent only when nothing is left to do. */
  readonly dueAt?: number | undefined;
  /** Unknown outcomes of the present step in a row, for the back-off. */
  readonly tries: number;
  readonly reason?: string | undefined;
  /** A cancellation waits until the payment has settled, or its dispute. */
  readonly cancelRequested: boolean;
  readonly cancelAs?: WaitingCancel | undefined;
  readonly equalSeats: boolean;
  readonly attendees: readonly string[];
  /** Those of the hold, then those that were sold. */
  readonly seats: readonly SeatRef[];
  readonly quote: Quote;
  /** How `quote.total` is paid; absent: by card, at once. */
  readonly bill?: Bill | undefined;
  /** Who bought at the box office, where there is no account to write to. */
  readonly contact?: Contact | undefined;
  readonly holdDeadline: number;
  readonly attempts: readonly Attempt[];
  readonly returns: readonly Return[];
  /** What the buyer's bank has asked back, the oldest first. */
  readonly disputes?: readonly Dispute[] | undefined;
  /** True from the transaction that wrote tickets and sale until an undo reverses it. */
  readonly saleWritten: boolean;
  /** Charges of an instalment that have failed. */
  readonly arrears?: Arrears | undefined;
  /** The last instalment whose charge the buyer was told of beforehand. */
  readonly announced?: number | undefined;
  /** A broken invariant that a person must look at. */
  readonly alarm?: string | undefined;
  readonly event?: EventInfo | undefined;
  /** The order for several events that this booking is a part of. */
  readonly bundle?: BundlePart | undefined;
  readonly reminded?: boolean | undefined;
  /** The last time its event was put off. */
  readonly postponed?: Postponed | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** `tries` charges of instalment `no` have failed; the next is at `nextAt` (epoch ms). */
export type Arrears = { readonly no: number; readonly tries: number; readonly nextAt: number };

/** A buyer without an account. */
export type Contact = { readonly name: string; readonly email?: string | undefined };

export type BundlePart = {
  readonly bundleId: string;
  /** Whether its buyer may cancel this booking, or tickets of it, without the others. */
  readonly divisible: boolean;
};

/** What messages say about the event, as the catalogue knew it at checkout. */
export type EventInfo = {
  readonly name: string;
  readonly startsAt: number;
  readonly timeZone: string;
  readonly venue: string;
  /** What the buyer was promised for tickets he gives back; absent: `defaultRefundRules`. */
  readonly refundRules?: RefundRules | undefined;
};

export type Postponed = {
  /** Counts the event's postponements 1, 2, 3, … */
  readonly no: number;
  /** Until then tickets return all that was paid; epoch ms. */
  readonly refundUntil?: number | undefined;
};

/** A cancellation that its buyer has not asked for. */
export type CancelOrder = {
  /** A user's id, or `system`. */
  readonly actor: string;
  readonly reason: 'cancelled-by-support' | 'event-cancelled';
  /** What that person wrote down. */
  readonly note?: string | undefined;
  /** True: all that was paid goes back, whatever the refund rules say. */
  readonly waiveRules: boolean;
};

/** `order` is absent when the buyer asked; `at` (epoch ms) decides what the refund rules give. */
export type WaitingCancel = { readonly order?: CancelOrder | undefined; readonly at: number };

/** One try at paying, with an intent of its own. */
export type Attempt = {
  readonly no: number;
  /** Idempotency key of the checkout that asked for it. */
  readonly key: string;
  /**
   * Fingerprint of that checkout's body, where it was a buyer's own: the booking is then what
   * remembers the key, which begins nothing else of this buyer's.
   */
  readonly asked?: string | undefined;
  /** What its intent is for, minor units; absent: `chargeNow` of the booking. */
  readonly amount?: number | undefined;
  /** The instalments it pays; absent: the first. */
  readonly covers?: readonly number[] | undefined;
  /** The buyer is not there: a saved card is charged. */
  readonly offSession?: boolean | undefined;
  /** Until when the buyer may finish it, epoch ms; of a charge that the buyer began. */
  readonly until?: number | undefined;
  /** Payment-method id; dropped when the attempt is final. */
  readonly token?: string | undefined;
  /** The buyer's browser confirms with the client secret; there is no token. */
  readonly byBrowser?: boolean | undefined;
  /** The card is kept as the buyer's. */
  readonly save?: boolean | undefined;
  /** The token is one of the buyer's saved methods. */
  readonly saved?: boolean | undefined;
  /** What it is paid with; of a saved card what later charges need. */
  readonly methodId?: string | undefined;
  /**
   * `new`: nothing was asked of the provider. `opening`: an intent may exist. `open`: its id is
   * known. The others are final: `unused`, `canceled`, `captured`.
   */
  readonly state: 'new' | 'opening' | 'open' | 'unused' | 'canceled' | 'captured';
  readonly intentId?: string | undefined;
  readonly intentStatus?: IntentStatus | undefined;
  readonly clientSecret?: string | undefined;
  readonly nextActionUrl?: string | undefined;
  readonly declineCode?: string | undefined;
};

/** Who pays for a goodwill refund. */
export type Bearer = 'organizer' | 'platform';

/** What a cancellation, an undone sale or a booking without a sale gives back. */
export type Return = {
  readonly no: number;
  /** Names the request that asked for it. */
  readonly key?: string | undefined;
  readonly tickets: readonly string[];
  /** Seat ids; `all`: whatever the sale still has. */
  readonly seats: readonly string[] | 'all';
  /** True: the seats stay blocked until a person has looked. */
  readonly block: boolean;
  readonly seatsReturned: boolean;
  readonly amount: number;
  /**
   * What was paid for its tickets less what goes back to the buyer (here or through his bank): kept
   * by the refund rules, or, below 0, given beside the tickets. Absent: 0.
   */
  readonly kept?: number | undefined;
  /**
   * Given beside the tickets by whoever bears it; below 0: taken off here from what tickets return,
   * since it had been given before.
   */
  readonly goodwill?: Readonly<Record<Bearer, number>> | undefined;
  /** Discount of tickets that stay and have lost it, taken off here; below 0: given back. */
  readonly withheld?: number | undefined;
  /** Who did it for the buyer, and what he wrote down; absent: the buyer, or it followed. */
  readonly by?: string | undefined;
  readonly note?: string | undefined;
  /** What it took off instalments that were still to be paid, minor units. Absent: 0. */
  readonly unpaid?: number | undefined;
  /** Where the money goes back to; absent: to the card of `intentId`. */
  readonly to?: 'card' | 'voucher' | 'cash' | undefined;
  readonly intentId?: string | undefined;
  /** `none`: no money is due. */
  readonly refund: 'none' | 'pending' | 'succeeded' | 'failed';
  readonly refundId?: string | undefined;
  /** The staff member who paid it out, of money that goes back in cash. */
  readonly paidOutBy?: string | undefined;
  /** Requests to the provider that ended as failed; each asks under a key of its own. */
  readonly refundsFailed: number;
};

/**
 * Status → those that may follow. `refunded` and `expired` are final; `cancelled` is, when no
 * money was due.
 */
export const statusMoves = {
  pending: ['requires_action', 'selling', 'declined', 'expired', 'cancelled'],
  requires_action: ['pending', 'selling', 'declined', 'expired', 'cancelled'],
  selling: ['confirmed', 'expired', 'cancelled'],
  confirmed: ['partially_refunded', 'cancelled'],
  declined: ['pending', 'expired', 'cancelled'],
  expired: [],
  partially_refunded: ['cancelled'],
  cancelled: ['refunded'],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;

export type BookingStatus = keyof typeof statusMoves;
export const initialStatus: BookingStatus = 'pending';

/**
 * Status → the steps its flow may stand at.
 * pin: keep the hold · authorise: create and confirm the intent · await: the buyer or the bank acts
 * · decline: close a declined intent · rest: wait for another attempt · sell: sell, then write the
 * tickets · capture · undo: the capture was refused · cancel: it was asked for while it ran ·
 * owing: wait for the next instalment · charge: it is paid · settle: give seats and money back,
 * close intents · done.
 */
export const stepsOf = {
  pending: ['pin', 'authorise', 'await', 'decline'],
  requires_action: ['await', 'decline'],
  selling: ['sell', 'capture', 'undo'],
  confirmed: ['cancel', 'settle', 'owing', 'charge', 'done'],
  declined: ['rest'],
  expired: ['settle', 'done'],
  partially_refunded: ['settle', 'cancel', 'owing', 'charge', 'done'],
  cancelled: ['settle', 'done'],
  refunded: ['settle', 'done'],
} as const satisfies Record<BookingStatus, readonly string[]>;

export type Step = (typeof stepsOf)[BookingStatus][number];

/** Whether a booking may go from one status to another; staying is always allowed. */
export const mayMove = (from: BookingStatus, to: BookingStatus): boolean =>
  from === to || (statusMoves[from] as readonly string[]).includes(to);

/** One active booking per reservation: these are not active any more. */
export const isActive = (status: BookingStatus): boolean =>
  status !== 'expired' && status !== 'cancelled' && status !== 'refunded';

/** Statuses on which the system itself is working: a caller who waits is kept waiting. */
export const isInProgress = (status: BookingStatus): boolean =>
  status === 'pending' || status === 'selling';

/** Its bundle's flow takes it to its sale; the flow of bookings takes over behind that. */
export const isLed = (b: Booking): boolean => b.bundle !== undefined && isInProgress(b.status);

export const isFinalAttempt = ({ state }: Attempt): boolean =>
  state === 'unused' || state === 'canceled' || state === 'captured';

/** Cash waits at the box office for its buyer, who may come days later: no flow waits with it. */
export const awaitsPayOut = (r: Return): boolean => r.refund === 'pending' && r.to === 'cash';

const isOpenReturn = (r: Return): boolean =>
  !r.seatsReturned || (r.refund === 'pending' && !awaitsPayOut(r));

/** What is still owed: intents to close, seats or money to give back. */
export const isSettled = (b: Booking): boolean =>
  b.attempts.every(isFinalAttempt) && !b.returns.some(isOpenReturn);

/** What is kept of the price of void tickets, minor units; below 0: more was given back. */
export const keptOf = (b: Pick<Booking, 'returns'>): number =>
  b.returns.reduce((sum, r) => sum + (r.kept ?? 0), 0);

/** The keys of its buyer that this booking remembers. */
export const ownKeys = ({ attempts }: Pick<Booking, 'attempts'>): readonly string[] =>
  attempts.flatMap(({ key, asked }) => (asked === undefined ? [] : [key]));

export const lastAttempt = (b: Booking): Attempt | undefined => b.attempts.at(-1);

export type Patch = Partial<Omit<Booking, 'bookingId' | 'version' | 'updatedAt'>>;

/**
 * The only way a booking changes: one version on, looked at again at `patch.dueAt`. Throws when the
 * tables forbid the move or when it would be forgotten half-way: a defect, never a caller's error.
 */
export function moved(b: Booking, patch: Patch, now: number): Booking {
  const next: Booking = { ...b, tries: 0, ...patch, version: b.version + 1, updatedAt: now };
  if (!mayMove(b.status, next.status)) {
    throw new Error(`a booking cannot go from ${b.status} to ${next.status}`);
  }
  if (!(stepsOf[next.status] as readonly string[]).includes(next.step)) {
    throw new Error(`a booking that is ${next.status} has no step ${next.step}`);
  }
  if (next.step !== 'done') {
    if (next.dueAt === undefined) throw new Error(`step ${next.step} without a due time`);
    return next;
  }
  if (!isSettled(next)) throw new Error('a booking is finished only when everything is settled');
  return { ...next, dueAt: undefined };
}

/** The booking with its last attempt changed. */
export const withAttempt = (b: Booking, patch: Partial<Attempt>): readonly Attempt[] =>
  b.attempts.map((a, i) => (i === b.attempts.length - 1 ? { ...a, ...patch } : a));

import type { Terms } from '#domain/inventory/terms.ts';
import type { Quote } from '#domain/pricing.ts';

/** Where a buyer comes in. Limits and the waiting room apply per channel. */
export type Channel = 'public' | 'presale' | 'box-office';

/** What a hold asks for. Seat ids are the chart's; prices are in minor units. */
export type Want =
  | { readonly by: 'seats'; readonly seats: readonly string[] }
  | {
      readonly by: 'best';
      readonly quantity: number;
      readonly section?: string;
      readonly category?: string;
      readonly maxPrice?: number;
      readonly accessible?: boolean;
    }
  | { readonly by: 'area'; readonly area: string; readonly quantity: number };

type Base = {
  /**
   * Identity of the command: the same id has at most one effect. A hold's id is derived from its
   * command id (see `domain/inventory/command-id.ts`).
   */
  readonly id: string;
  readonly eventId: string;
  /** Epoch ms; past it the command is dropped undecided. */
  readonly deadline: number;
};

/**
 * Everything the actor of an event can be asked, each decided after the one before it. Documented
 * effects and errors are those of the matching reply.
 */
export type Command =
  /** First command of an event. Repeated with the same or a lower version: done, no fact. */
  | (Base & { readonly kind: 'open'; readonly version: number; readonly terms: Terms })
  /** `version` must be the last applied + 1 (else `version-gap`); at or below it: done, no fact. */
  | (Base & { readonly kind: 'change-terms'; readonly version: number; readonly terms: Terms })
  | (Base & {
      readonly kind: 'block' | 'unblock';
      readonly version: number;
      readonly seats: readonly string[];
    })
  /** Errors: seats-unavailable {seats}, sold-out, not-on-sale, limit-exceeded,
   * idempotency-key-reused, reservation-expired / -released (that key's hold has ended). */
  | (Base & {
      readonly kind: 'hold';
      /** `rsv_…`, derived from `id`. */
      readonly holdId: string;
      /** Hash of the request's body: another one under the same id is `idempotency-key-reused`. */
      readonly fingerprint: string;
      readonly buyerId: string;
      readonly channel: Channel;
      readonly want: Want;
    })
  /** Errors of the three below: not-found (unknown or someone else's), reservation-expired,
   * reservation-released, reservation-sold, hold-not-extendable. Releasing twice is a success. */
  | (Base & {
      readonly kind: 'extend' | 'release';
      readonly holdId: string;
      readonly buyerId: string;
    })
  | (Base & {
      readonly kind: 'read-hold';
      readonly holdId: string;
      readonly buyerId: string;
      /**
       * A hold that is there may be told without proof that nobody has succeeded this owner: its
       * seats and quote never change, and a fact that the caller asks for next decides. A refusal
       * is proven all the same.
       */
      readonly unproven?: true;
    })
  /** Keeps a hold for a checkout that runs: once, to at least now + holdPinMs. Another error:
   * state-forbids, when the booking has ended without a sale. */
  | (Base & {
      readonly kind: 'pin';
      readonly holdId: string;
      readonly buyerId: string;
      readonly bookingId: string;
    })
  /** Exactly one durable answer per booking; asked again, the same. Never throws a refusal. */
  | (Base & {
      readonly kind: 'sell';
      readonly bookingId: string;
      readonly holdId: string;
      readonly paymentId: string;
      readonly equalSeats: boolean;
    })
  /** Gives back what this booking's sale still has (`seats` absent: all), or makes its refusal final. */
  | (Base & {
      readonly kind: 'unsell';
      readonly bookingId: string;
      readonly holdId: string;
      readonly seats?: readonly string[];
      /** True: the seats become blocked until a person has looked. */
      readonly block?: boolean;
    });

export type CommandKind = Command['kind'];
/** The command of one kind, also where several kinds share a shape. */
export type CommandOf<K extends CommandKind> = Command extends infer C
  ? C extends Command
    ? K extends C['kind']
      ? C & { readonly kind: K }
      : never
    : never
  : never;

/** A place as a person knows it. `area` is set for general admission, row and number else. */
export type SeatRef = {
  readonly id: string;
  readonly category: string;
  readonly section?: string;
  readonly row?: string;
  readonly number?: string;
  readonly area?: string;
};

export type HoldStatus = 'held' | 'sold';

export type HoldView = {
  readonly holdId: string;
  readonly eventId: string;
  readonly buyerId: string;
  readonly status: HoldStatus;
  readonly seats: readonly SeatRef[];
  readonly quote: Quote;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly deadline: number;
  readonly pinned: boolean;
  /** Set when sold. */
  readonly bookingId?: string;
};

export type SellReply =
  | {
      readonly outcome: 'sold';
      readonly seats: readonly SeatRef[];
      /** Place indexes beside `seats`, for the unique index on tickets. */
      readonly places: readonly number[];
      readonly quote: Quote;
    }
  | { readonly outcome: 'refused'; readonly reason: SellRefusal };

export type SellRefusal = 'unknown-hold' | 'released' | 'expired' | 'seats-taken' | 'cancelled';

/** What each command answers when it is not refused. */
export type Replies = {
  open: { readonly version: number };
  'change-terms': { readonly version: number };
  /** Seats that could not be blocked because they are held or sold are named. */
  block: { readonly version: number; readonly skipped: readonly string[] };
  unblock: { readonly version: number; readonly skipped: readonly string[] };
  hold: HoldView & { readonly replayed: boolean };
  extend: HoldView;
  release: { readonly holdId: string };
  'read-hold': HoldView;
  pin: HoldView;
  sell: SellReply;
  unsell: { readonly returned: readonly string[] };
};

export type ReplyOf<K extends CommandKind> = Replies[K];

/** Seat counts; they always add up to the capacity. */
export type Counts = {
  readonly available: number;
  readonly reserved: number;
  readonly sold: number;
  readonly blocked: number;
};

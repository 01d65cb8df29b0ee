import { chargeNow } from '#domain/bill.ts';
import { type Booking, isFinalAttempt } from '#domain/booking.ts';
import { backoff } from '#domain/booking-moves.ts';
import { providerAway } from '#domain/provider-away.ts';

/** Why a payment is not final, in the order of a booking's way. */
export const backlogReasons = [
  'payment-provider-unavailable',
  'authorising',
  'awaits-buyer',
  'awaits-bank',
  'closing-declined',
  'selling',
  'capturing',
  'undoing',
  'refunding',
  'closing-intent',
  'returning-seats',
  'charging-instalment',
  'under-way',
] as const;
export type BacklogReason = (typeof backlogReasons)[number];

export type BacklogItem = {
  readonly bookingId: string;
  readonly reason: BacklogReason;
  /** Looks without an end at the present step. */
  readonly tries: number;
  /** What is to be paid or returned, minor units. */
  readonly amount: number;
  readonly currency: string;
  /** Epoch ms: when the checkout, or about when what is done to it since, began. */
  readonly since: number;
};

/** What a backlog is read from. */
export type Unfinished = Pick<
  Booking,
  | 'bookingId'
  | 'status'
  | 'step'
  | 'reason'
  | 'tries'
  | 'attempts'
  | 'returns'
  | 'quote'
  | 'bill'
  | 'createdAt'
  | 'updatedAt'
>;

/** When the present step began: each look without an end has waited for its back-off. */
function stepBegan({ tries, updatedAt }: Unfinished): number {
  let waited = 0;
  for (let i = 0; i < tries; i++) waited += backoff(i, 0);
  return updatedAt - waited;
}

const hasEnded = ({ status }: Unfinished): boolean =>
  status !== 'pending' && status !== 'requires_action' && status !== 'selling';

/**
 * An unfinished booking's payment; undefined when it waits for nothing but another attempt or the
 * day of its next instalment.
 */
export function backlogItem(b: Unfinished): BacklogItem | undefined {
  if (
    b.step === 'done' ||
    b.step === 'owing' ||
    (b.step === 'rest' && b.attempts.every(isFinalAttempt))
  ) {
    return undefined;
  }
  const owed = b.returns.filter((r) => r.refund === 'pending');
  const giving = b.step === 'settle' && owed.length > 0;
  return {
    bookingId: b.bookingId,
    reason: b.reason === providerAway ? providerAway : reasonOf(b, giving),
    tries: b.tries,
    amount: giving ? owed.reduce((sum, r) => sum + r.amount, 0) : chargeNow(b),
    currency: b.quote.currency,
    since: hasEnded(b) ? Math.max(b.createdAt, stepBegan(b)) : b.createdAt,
  };
}

function reasonOf({ step, status, attempts }: Unfinished, giving: boolean): BacklogReason {
  switch (step) {
    case 'pin':
    case 'authorise':
      return 'authorising';
    case 'await':
      return status === 'requires_action' ? 'awaits-buyer' : 'awaits-bank';
    case 'decline':
      return 'closing-declined';
    case 'sell':
      return 'selling';
    case 'capture':
      return 'capturing';
    case 'charge':
      return 'charging-instalment';
    case 'undo':
      return 'undoing';
    case 'settle':
      if (giving) return 'refunding';
      return attempts.every(isFinalAttempt) ? 'returning-seats' : 'closing-intent';
    default:
      return 'under-way';
  }
}

export type BacklogSum = {
  readonly reason: BacklogReason;
  readonly count: number;
  readonly amounts: readonly { readonly amount: number; readonly currency: string }[];
  readonly oldestMs: number;
};

/** Adds up a backlog without keeping it. */
export class BacklogTally {
  readonly #kinds = new Map<BacklogReason, { count: number; since: number }>();
  readonly #amounts = new Map<BacklogReason, Map<string, number>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ reason, since, amount, currency }: BacklogItem): void {
    this.#count++;
    const kind = this.#kinds.get(reason) ?? { count: 0, since };
    kind.count++;
    kind.since = Math.min(kind.since, since);
    this.#kinds.set(reason, kind);
    const sums = this.#amounts.get(reason) ?? new Map<string, number>();
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
    this.#amounts.set(reason, sums);
  }

  /** By reason, in the order of a booking's way. */
  sums(now: number): readonly BacklogSum[] {
    return backlogReasons.flatMap((reason) => {
      const kind = this.#kinds.get(reason);
      if (kind === undefined) return [];
      const amounts = [...(this.#amounts.get(reason) ?? [])];
      return {
        reason,
        count: kind.count,
        amounts: amounts.map(([currency, amount]) => ({ amount, currency })),
        oldestMs: Math.max(0, now - kind.since),
      };
    });
  }
}

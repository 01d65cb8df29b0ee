import { type Bearer, type Booking, moved, type Return } from '#domain/booking.ts';
import { type Change, change, ledgerEntry, returnOf, soon } from '#domain/booking-moves.ts';
import { isDisputed } from '#domain/dispute.ts';
import { goodwillPostings } from '#domain/ledger.ts';
import { refundable, refundReturns } from '#domain/refund-parts.ts';

/** What was given beside tickets and not taken off their return since, by who bore it. */
export const goodwillOf = (b: Pick<Booking, 'returns'>): Readonly<Record<Bearer, number>> => ({
  organizer: b.returns.reduce((sum, r) => sum + (r.goodwill?.organizer ?? 0), 0),
  platform: b.returns.reduce((sum, r) => sum + (r.goodwill?.platform ?? 0), 0),
});

export type GoodwillWish = {
  /** Minor units of the booking's currency. */
  readonly amount: number;
  readonly bornBy: Bearer;
  /** Names the request. */
  readonly key: string;
  readonly by: string;
  readonly note: string;
};

export type Goodwill =
  | { readonly kind: 'done'; readonly change: Change }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Gives money back and leaves the tickets as they are: at most what was paid and not given back.
 * Money of void tickets that the rules kept may be given too.
 */
export function goodwill(b: Booking, wish: GoodwillWish, now: number): Goodwill {
  const { amount, bornBy, key, by, note } = wish;
  const refuse = (why: string): Goodwill => ({ kind: 'refused', why });
  switch (b.status) {
    case 'confirmed':
    case 'partially_refunded':
    case 'cancelled':
    case 'refunded':
      break;
    default:
      return refuse(`It is ${b.status}: nothing was paid, or it is not settled yet`);
  }
  if (b.step === 'cancel') return refuse('Its cancellation is being worked on');
  if (b.step === 'charge') return refuse('An instalment is being paid, try again in a minute');
  if (isDisputed(b)) return refuse('Its payment is disputed');
  const left = refundable(b);
  if (amount > left) return refuse(`At most ${left} was paid and not given back`);
  const borne = { organizer: 0, platform: 0, [bornBy]: amount };
  const entry: Return = {
    ...returnOf(b),
    key,
    seatsReturned: true,
    kept: -amount,
    goodwill: borne,
    by,
    note,
  };
  const status = b.status === 'confirmed' ? 'partially_refunded' : b.status;
  const returns = [...b.returns, ...refundReturns(b, entry, amount)];
  const next = moved(b, { status, step: 'settle', dueAt: soon(now), returns }, now);
  const postings = goodwillPostings(bornBy, amount);
  const entries = ledgerEntry(b, 'goodwill', `goodwill-${entry.no}`, postings, now);
  return {
    kind: 'done',
    change: change(b, next, { entries: entries.map((e) => ({ ...e, by, note })) }),
  };
}

import { amountOf, cashPaid, voucherPaid } from '#domain/bill.ts';
import { type Booking, keptOf, type Return } from '#domain/booking.ts';
import { takenBack } from '#domain/dispute.ts';

/** One tender that paid for a booking, and what of its money may still go back to it. */
export type Tender = {
  readonly to: 'card' | 'cash' | 'voucher';
  readonly intentId?: string | undefined;
  /** Minor units. */
  readonly left: number;
};

const tenderOf = ({ to = 'card' }: Return): Tender['to'] => to;

/**
 * What a booking was paid with, in the order in which money goes back: the newest captured card
 * payment first, then cash, then the voucher. A return counts against its tender from the moment it
 * is written, also while it is pending and when the provider has failed it: then it stays owed.
 * What banks have taken back cannot go back once more.
 */
export function tendersOf(b: Booking): readonly Tender[] {
  const returned = (to: Tender['to'], intentId?: string): number =>
    b.returns
      .filter((r) => tenderOf(r) === to && (to !== 'card' || r.intentId === intentId))
      .reduce((sum, r) => sum + r.amount, 0);
  let taken = takenBack(b);
  const cards = b.attempts
    .filter((a) => a.state === 'captured')
    .sort((one, other) => other.no - one.no)
    .map((a): Tender => {
      const there = amountOf(b, a) - returned('card', a.intentId);
      const left = Math.max(there - taken, 0);
      taken -= there - left;
      return { to: 'card', intentId: a.intentId, left };
    });
  return [
    ...cards,
    { to: 'cash', left: cashPaid(b) - returned('cash') },
    { to: 'voucher', left: voucherPaid(b) - returned('voucher') },
  ];
}

/** What was paid and neither given back (or owed) nor taken by a bank; minor units. */
export const refundable = (b: Booking): number =>
  tendersOf(b).reduce((sum, { left }) => sum + Math.max(0, left), 0);

export type RefundPart = Pick<Return, 'to' | 'intentId' | 'amount'>;

/**
 * Which tender gets how much of `amount` (minor units) back. No tender gets more than it paid and
 * has not had back; the parts add up to `amount`, or to all that is left when that is less.
 */
export function refundParts(b: Booking, amount: number): readonly RefundPart[] {
  const parts: RefundPart[] = [];
  let due = amount;
  for (const { to, intentId, left } of tendersOf(b)) {
    const part = Math.min(due, left);
    if (part <= 0) continue;
    parts.push(to === 'card' ? { to, intentId, amount: part } : { to, amount: part });
    due -= part;
  }
  return parts;
}

/**
 * The returns that give `amount` back: one a tender. The first is `first` with its seats and
 * tickets; the others carry money alone. With nothing to give, `first` says so.
 */
export function refundReturns(b: Booking, first: Return, amount: number): readonly Return[] {
  const [part, ...others] = refundParts(b, amount);
  if (part === undefined) return [{ ...first, amount: 0, refund: 'none' }];
  const pending = (entry: Return, own: RefundPart): Return => ({
    ...entry,
    ...own,
    refund: 'pending',
  });
  const { kept: _, goodwill: __, withheld: ___, ...plain } = first;
  const moneyOnly: Return = { ...plain, tickets: [], seatsReturned: true };
  return [
    pending(first, part),
    ...others.map((own, i) => pending({ ...moneyOnly, no: first.no + i + 1 }, own)),
  ];
}

export type Given = Pick<Return, 'amount' | 'refund'> & { readonly kept: number };

/** What one request has given back, over all its returns; undefined when it has made none. */
export function givenBy(b: Booking, key: string): Given | undefined {
  const own = b.returns.filter((r) => r.key === key);
  if (own.length === 0) return undefined;
  const worst = (['failed', 'pending', 'succeeded'] as const).find((state) =>
    own.some((r) => r.refund === state),
  );
  return {
    amount: own.reduce((sum, r) => sum + r.amount, 0),
    kept: keptOf({ returns: own }),
    refund: worst ?? 'none',
  };
}

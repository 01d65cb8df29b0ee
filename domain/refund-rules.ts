import type { FieldError } from '#domain/errors.ts';
import type { Shares } from '#domain/ledger.ts';
import { type Currency, roundedTo, stepOf } from '#domain/money.ts';
import { split } from '#domain/split.ts';
import { sumOf, type Ticket } from '#domain/ticket.ts';

/** Up to `untilHoursBefore` hours before the start (that moment included), this part goes back. */
export type RefundTier = { readonly untilHoursBefore: number; readonly basisPoints: number };

/** What an organizer promises to return for tickets that a buyer gives back. */
export type RefundRules = {
  /** The one with the most hours whose moment has not passed holds; none: nothing goes back. */
  readonly tiers: readonly RefundTier[];
  /** Kept of each ticket, minor units. */
  readonly feePerTicket: number;
  /** Whether the tier's part is taken of the service fees too, or they are kept altogether. */
  readonly returnServiceFees: boolean;
};

/** All of it until the start, nothing after. */
export const defaultRefundRules: RefundRules = {
  tiers: [{ untilHoursBefore: 0, basisPoints: 10_000 }],
  feePerTicket: 0,
  returnServiceFees: true,
};

export const refundTiersMax = 20;

/** What is wrong with rules; empty when nothing is. Ranges are the contract's. */
export function refundRuleMistakes({ tiers }: RefundRules): FieldError[] {
  const seen = new Set<number>();
  return tiers.flatMap(({ untilHoursBefore }, i) => {
    if (!seen.has(untilHoursBefore)) {
      seen.add(untilHoursBefore);
      return [];
    }
    const path = `refundRules.tiers.${i}.untilHoursBefore`;
    return [{ path, message: `two tiers end ${untilHoursBefore} hours before the start` }];
  });
}

/** What holds for the tickets of one booking. Times epoch ms. */
export type RefundTerms = {
  readonly rules: RefundRules;
  /** Undefined: nobody knows; then it counts as far away. */
  readonly startsAt: number | undefined;
  /** Until then all goes back whatever the rules: the event was postponed. */
  readonly fullUntil?: number | undefined;
};

/** Why so much goes back. `waived`: somebody who may has set the rules aside. */
export type RefundReason = 'tier' | 'too-late' | 'postponed' | 'waived';

/** What the terms come to at one moment. */
export type RefundRate = Omit<RefundRules, 'tiers'> & {
  readonly basisPoints: number;
  readonly why: RefundReason;
  /** Until when it holds; undefined: for ever. Epoch ms. */
  readonly until?: number | undefined;
};

const whole = 10_000;
const hourMs = 3_600_000;

/** All of it, whatever the rules say. */
export const fullRate: RefundRate = {
  basisPoints: whole,
  feePerTicket: 0,
  returnServiceFees: true,
  why: 'waived',
};

/** What goes back of tickets that are given back at `now` (epoch ms). */
export function refundRateAt({ rules, startsAt, fullUntil }: RefundTerms, now: number): RefundRate {
  if (fullUntil !== undefined && now <= fullUntil) {
    return { ...fullRate, why: 'postponed', until: fullUntil };
  }
  const { feePerTicket, returnServiceFees } = rules;
  const kept = { feePerTicket, returnServiceFees };
  const tiers = [...rules.tiers].sort((a, b) => b.untilHoursBefore - a.untilHoursBefore);
  if (startsAt === undefined) {
    const basisPoints = tiers[0]?.basisPoints ?? 0;
    return { ...kept, basisPoints, why: tiers.length > 0 ? 'tier' : 'too-late' };
  }
  for (const { untilHoursBefore, basisPoints } of tiers) {
    const until = startsAt - untilHoursBefore * hourMs;
    if (now <= until) return { ...kept, basisPoints, why: 'tier', until };
  }
  return { ...kept, basisPoints: 0, why: 'too-late' };
}

/** What becomes of one ticket's price; `returned` and `kept` add up to `paid`. Minor units. */
export type TicketRefund = {
  readonly ticketId: string;
  readonly paid: number;
  readonly returned: number;
  readonly kept: number;
  /** Whose money `returned` is: adds up to it. */
  readonly shares: Shares;
};

type Priced = Pick<Ticket, 'ticketId' | 'paid' | 'shares'>;

/**
 * What one ticket returns at this rate, each ticket by itself, in multiples of what the currency
 * can be charged in: halves go up, then the fee is kept; never below 0, never more than was paid.
 * What goes back is taken from organizer, fees and taxes in proportion, or without the fees; what
 * is kept stays where it was.
 */
export function ticketRefund(
  { ticketId, paid, shares }: Priced,
  rate: RefundRate,
  currency: Currency,
): TicketRefund {
  const step = stepOf(currency);
  const { basisPoints, feePerTicket, returnServiceFees } = rate;
  const base = Math.max(0, returnServiceFees ? paid : paid - shares.fees);
  const part = roundedTo(step, base, basisPoints, whole) - feePerTicket;
  const returned = part >= paid ? paid : Math.max(0, Math.floor(part / step) * step);
  if (returned === paid) return { ticketId, paid, returned, kept: 0, shares };
  const weights = [shares.organizer, returnServiceFees ? shares.fees : 0, shares.taxes];
  const [organizer = 0, fees = 0, taxes = 0] = split(
    returned,
    weights.map((weight) => Math.max(0, weight)),
    step,
  );
  return { ticketId, paid, returned, kept: paid - returned, shares: { organizer, fees, taxes } };
}

/** What several tickets return together: the sum of what each returns. */
export function refundOfTickets(tickets: readonly Priced[], rate: RefundRate, currency: Currency) {
  const each = tickets.map((ticket) => ticketRefund(ticket, rate, currency));
  const { paid: returned, shares } = sumOf(
    each.map((one) => ({ paid: one.returned, shares: one.shares })),
  );
  return { each, returned, shares, kept: each.reduce((sum, one) => sum + one.kept, 0) };
}

import { type IntentStatus, isFinalIntent } from '#domain/payment.ts';

/** An intent as the provider shows it. Minor units. */
export type IntentFacts = {
  readonly status: IntentStatus;
  readonly captured: number;
  /** Refunds that are on their way are counted. */
  readonly refunded: number;
};

/** What our books say of one intent. Minor units. */
export type IntentRecord = {
  /** Its flow has ended: nobody touches its money any more by themselves. */
  readonly finished: boolean;
  /** What cards are charged for it in all. */
  readonly cardTotal: number;
  readonly validTickets: number;
  /** What is booked as captured through this intent, a sale's or a stray one. */
  readonly captured: number;
  /** What is booked as captured through the booking's other intents. */
  readonly otherCaptured: number;
  /** Refunds of this intent that are booked, that are on their way, that were given up. */
  readonly refunded: number;
  readonly refundPending: number;
  readonly refundFailed: number;
  /** Kept by the refund rules, or taken by the buyer's bank. */
  readonly retained: number;
};

/** What our books say of an intent without a booking; undefined: of an event that is not ours. */
export type StrayRecord = { readonly captured: number; readonly refunded: number } | undefined;

/** Every difference by name: what it is, and who settles it how. */
export const problems = {
  'authorised-without-booking': { remedy: 'cancel', says: 'open, but there is no such booking' },
  'captured-without-booking': { remedy: 'refund', says: 'captured, but there is no such booking' },
  'open-after-end': { remedy: 'cancel', says: 'the booking has ended, but its payment is open' },
  'captured-without-tickets': { remedy: 'refund', says: 'captured without tickets or refund' },
  'flow-behind': { remedy: 'wake', says: 'captured without tickets, the booking is under way' },
  'refund-not-booked': { remedy: 'book', says: 'returned, but the books do not have the refund' },
  'refund-undone': { remedy: 'refund', says: 'the provider has taken back a refund' },
  'refund-given-up': { remedy: 'person', says: 'the provider refuses the refund' },
  'tickets-without-payment': { remedy: 'person', says: 'tickets without a payment' },
  'amounts-differ': { remedy: 'person', says: 'captured another amount than is booked' },
  'unknown-event': { remedy: 'person', says: 'names an event that this system does not have' },
  'unknown-to-provider': { remedy: 'person', says: 'the provider does not know this payment' },
} as const satisfies Record<string, { readonly remedy: Remedy; readonly says: string }>;

/**
 * `cancel`, `refund`: at the provider; `book`: only our books are behind; `wake`: the booking's
 * flow does it; `person`: nothing is done by itself.
 */
export type Remedy = 'cancel' | 'refund' | 'book' | 'wake' | 'person';
export type Problem = keyof typeof problems;

/** A difference between provider and books; `amount`: the money it is about, minor units. */
export type Difference = { readonly problem: Problem; readonly amount: number };

/**
 * What is wrong between an intent of amount `total` and its booking; undefined: nothing. Only
 * intents older than the time a request takes may be judged: a young one is simply under way.
 */
export function differenceOf(
  { status, captured, refunded }: IntentFacts,
  total: number,
  record: IntentRecord,
): Difference | undefined {
  const kept = captured - refunded;
  const away = record.refundPending + record.refundFailed + record.retained;
  if (!record.finished) {
    const lost = record.validTickets === 0 && kept > away;
    return lost ? { problem: 'flow-behind', amount: kept - away } : undefined;
  }
  if (!isFinalIntent(status)) return { problem: 'open-after-end', amount: total };
  const unpaid = record.captured + record.otherCaptured === 0 && record.cardTotal > 0;
  if (captured === 0 && record.validTickets > 0 && (unpaid || record.captured > 0)) {
    return { problem: 'tickets-without-payment', amount: record.captured || record.cardTotal };
  }
  if (captured !== record.captured) {
    return record.captured === 0
      ? { problem: 'captured-without-tickets', amount: captured }
      : { problem: 'amounts-differ', amount: Math.abs(captured - record.captured) };
  }
  const unbooked = refunded - record.refunded - record.refundPending;
  if (unbooked > 0) return { problem: 'refund-not-booked', amount: unbooked };
  if (refunded < record.refunded) {
    return { problem: 'refund-undone', amount: record.refunded - refunded };
  }
  if (record.refundFailed === 0) return undefined;
  return { problem: 'refund-given-up', amount: record.refundFailed };
}

/** The same for an intent that names a booking which does not exist. */
export function strayDifference(
  { status, captured, refunded }: IntentFacts,
  total: number,
  record: StrayRecord,
): Difference | undefined {
  const open = !isFinalIntent(status);
  if (record === undefined) {
    const amount = open ? total : captured - refunded;
    return amount > 0 ? { problem: 'unknown-event', amount } : undefined;
  }
  if (open) return { problem: 'authorised-without-booking', amount: total };
  if (captured > refunded) {
    return { problem: 'captured-without-booking', amount: captured - refunded };
  }
  const unbooked = Math.max(captured - record.captured, refunded - record.refunded);
  return unbooked > 0 ? { problem: 'refund-not-booked', amount: unbooked } : undefined;
}

/**
 * What became of a finding. `would`: it is only said; `young`: it is left until it is older;
 * `failed`: the next run tries again.
 */
export type Outcome = 'settled' | 'begun' | 'would' | 'young' | 'failed' | 'person';

export type Counted = {
  readonly problem: Problem;
  readonly outcome: Outcome;
  readonly amount: { readonly amount: number; readonly currency: string };
  /** Epoch ms. */
  readonly createdAt: number;
  readonly since: number;
};

/** One kind of difference in a report. */
export type ProblemSum = {
  readonly problem: Problem;
  readonly remedy: Remedy;
  readonly count: number;
  /** By currency. */
  readonly amounts: readonly { readonly amount: number; readonly currency: string }[];
  readonly oldestMs: number;
  readonly needsPerson: number;
};

/** A remedy that fails for so long is a person's. */
export const failedTooLongMs = 3_600_000;

export const needsPerson = ({ outcome, since }: Counted, now: number): boolean =>
  outcome === 'person' || (outcome === 'failed' && now - since > failedTooLongMs);

/** Findings by kind: how many, how much, how old. */
export function problemSums(findings: readonly Counted[], now: number): readonly ProblemSum[] {
  const kinds = Map.groupBy(findings, ({ problem }) => problem);
  return [...kinds].map(([problem, own]) => {
    const sums = new Map<string, number>();
    for (const { amount } of own) {
      sums.set(amount.currency, (sums.get(amount.currency) ?? 0) + amount.amount);
    }
    return {
      problem,
      remedy: problems[problem].remedy,
      count: own.length,
      amounts: [...sums].map(([currency, amount]) => ({ amount, currency })),
      oldestMs: Math.max(...own.map(({ createdAt }) => Math.max(0, now - createdAt))),
      needsPerson: own.filter((finding) => needsPerson(finding, now)).length,
    };
  });
}

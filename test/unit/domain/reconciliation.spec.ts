import { describe, expect, it } from '@jest/globals';
import {
  differenceOf,
  failedTooLongMs,
  type IntentFacts,
  type IntentRecord,
  needsPerson,
  type Problem,
  problemSums,
  strayDifference,
} from '#domain/reconciliation.ts';

const paid: IntentFacts = { status: 'succeeded', captured: 500, refunded: 0 };
const open: IntentFacts = { status: 'requires_capture', captured: 0, refunded: 0 };
const closed: IntentFacts = { ...open, status: 'canceled' };
const booked: IntentRecord = {
  finished: true,
  cardTotal: 500,
  validTickets: 2,
  captured: 500,
  otherCaptured: 0,
  refunded: 0,
  refundPending: 0,
  refundFailed: 0,
  retained: 0,
};
const ended: IntentRecord = { ...booked, validTickets: 0, captured: 0 };
const returned: IntentRecord = { ...booked, validTickets: 0, refunded: 500 };

describe('an intent beside its booking', () => {
  it.each<[string, IntentFacts, IntentRecord]>([
    ['a payment with its tickets', paid, booked],
    ['a payment that was returned', { ...paid, refunded: 500 }, returned],
    ['a cancellation that kept a fee', { ...paid, refunded: 400 }, { ...returned, refunded: 400 }],
    [
      'a payment on its way back',
      paid,
      { ...returned, refunded: 0, refundPending: 500, finished: false },
    ],
    ['an abandoned attempt', closed, ended],
    [
      'a declined attempt beside the one that paid',
      closed,
      { ...booked, captured: 0, otherCaptured: 500 },
    ],
    ['an authorisation under way', open, { ...ended, finished: false }],
    ['tickets that a voucher paid', closed, { ...booked, captured: 0, cardTotal: 0 }],
  ])('%s is right', (_name, intent, record) => {
    expect(differenceOf(intent, 500, record)).toBeUndefined();
  });

  it.each<[Problem, number, IntentFacts, IntentRecord]>([
    ['flow-behind', 500, paid, { ...ended, finished: false }],
    ['open-after-end', 500, open, ended],
    ['open-after-end', 500, { ...open, status: 'requires_payment_method' }, ended],
    ['open-after-end', 500, open, { ...booked, captured: 0, otherCaptured: 500 }],
    ['captured-without-tickets', 500, paid, ended],
    ['captured-without-tickets', 500, paid, { ...booked, captured: 0, otherCaptured: 500 }],
    ['refund-not-booked', 500, { ...paid, refunded: 500 }, booked],
    ['refund-not-booked', 100, { ...paid, refunded: 500 }, { ...returned, refunded: 400 }],
    ['refund-undone', 500, paid, returned],
    ['refund-given-up', 500, paid, { ...returned, refunded: 0, refundFailed: 500 }],
    ['tickets-without-payment', 500, closed, booked],
    ['tickets-without-payment', 500, closed, { ...booked, captured: 0 }],
    ['amounts-differ', 100, { ...paid, captured: 400 }, booked],
    ['amounts-differ', 500, closed, returned],
  ])('%s: %d', (problem, amount, intent, record) => {
    expect(differenceOf(intent, 500, record)).toEqual({ problem, amount });
  });
});

describe('an intent without a booking', () => {
  const nothing = { captured: 0, refunded: 0 };

  it.each<[Problem | undefined, IntentFacts, typeof nothing | undefined]>([
    ['authorised-without-booking', open, nothing],
    ['captured-without-booking', paid, nothing],
    ['captured-without-booking', { ...paid, refunded: 100 }, { captured: 500, refunded: 100 }],
    ['refund-not-booked', { ...paid, refunded: 500 }, { captured: 500, refunded: 0 }],
    [undefined, { ...paid, refunded: 500 }, { captured: 500, refunded: 500 }],
    [undefined, closed, nothing],
    ['unknown-event', paid, undefined],
    ['unknown-event', open, undefined],
    [undefined, closed, undefined],
  ])('%s', (problem, intent, record) => {
    expect(strayDifference(intent, 500, record)?.problem).toBe(problem);
  });
});

describe('the sums of a report', () => {
  const finding = {
    problem: 'captured-without-booking',
    outcome: 'settled',
    amount: { amount: 500, currency: 'EUR' },
    createdAt: 1_000,
    since: 2_000,
  } as const;

  it('count by problem and currency, with the oldest', () => {
    const yen = { ...finding, amount: { amount: 70, currency: 'JPY' }, createdAt: 500 };
    const person = { ...finding, problem: 'unknown-event', outcome: 'person' } as const;
    expect(problemSums([finding, finding, yen, person], 3_000)).toEqual([
      {
        problem: 'captured-without-booking',
        remedy: 'refund',
        count: 3,
        amounts: [
          { amount: 1_000, currency: 'EUR' },
          { amount: 70, currency: 'JPY' },
        ],
        oldestMs: 2_500,
        needsPerson: 0,
      },
      expect.objectContaining({ problem: 'unknown-event', count: 1, needsPerson: 1 }),
    ]);
  });

  it('a remedy that fails for long is a person’s', () => {
    const failed = { ...finding, outcome: 'failed' } as const;
    expect(needsPerson(failed, 2_000 + failedTooLongMs)).toBe(false);
    expect(needsPerson(failed, 2_001 + failedTooLongMs)).toBe(true);
  });
});

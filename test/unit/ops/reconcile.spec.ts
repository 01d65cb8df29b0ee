import { describe, expect, it } from '@jest/globals';
import type { Report } from '#adapters/payments/reconciliation.ts';
import { problemSums } from '#domain/reconciliation.ts';
import { age, reconciliationLines } from '#ops/reconcile/reconcile.ts';

describe('age', () => {
  it.each([
    [-5, '0 s'],
    [12_000, '12 s'],
    [5 * 60_000, '5 min'],
    [(3 * 60 + 4) * 60_000, '3 h 4 min'],
    [(3 * 24 + 4) * 3_600_000, '3 d 4 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(age(ms)).toBe(text);
  });
});

describe('the report of a reconciliation', () => {
  const now = 10_000_000;
  const report: Report = {
    at: now - 1_000,
    mode: 'window',
    dryRun: false,
    from: 0,
    upTo: now - 60_000,
    checked: 12,
    complete: true,
    findings: [],
    sums: [],
    needsPerson: 0,
  };
  const finding = {
    intentId: 'pi_1',
    bookingId: null,
    amount: { amount: 1_250, currency: 'EUR' },
    createdAt: now - 3_600_000,
    since: now - 120_000,
    problem: 'captured-without-booking',
    outcome: 'settled',
  } as const;

  it('says so when nothing is amiss', () => {
    const lines = reconciliationLines(report, now);
    expect(lines.at(-1)).toBe('every payment has its tickets or its refund');
  });

  it('says what, how many, how much, how old, and what was done', () => {
    const findings = [
      finding,
      { ...finding, intentId: 'pi_2', outcome: 'failed', why: 'x' } as const,
    ];
    const sums = problemSums(findings, now);
    const text = reconciliationLines({ ...report, findings, sums }, now);
    expect(text).toContain(
      '     2  captured-without-booking  25.00 EUR  oldest 1 h 0 min  (returned to the buyer)',
    );
    expect(text.join('\n')).toContain('✓ pi_1  12.50 EUR  1 h 0 min old, known for 2 min');
    expect(text.join('\n')).toContain('(no booking): failed, tried again by the next run: x');
    expect(text.at(-1)).toBe('nothing needs a person');
  });

  it('says what needs a person', () => {
    const findings = [
      { ...finding, problem: 'tickets-without-payment', outcome: 'person' } as const,
    ];
    const sums = problemSums(findings, now);
    const text = reconciliationLines({ ...report, findings, sums, needsPerson: 1 }, now);
    expect(text.at(-1)).toBe('1 need a person');
  });
});

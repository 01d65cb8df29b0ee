import { describe, expect, it } from '@jest/globals';
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
  const report = { _id: 'r', at: now - 1_000, upTo: now - 60_000, checked: 12, findings: [] };
  const finding = {
    intentId: 'pi_1',
    bookingId: null,
    amount: { amount: 1_250, currency: 'EUR' },
    createdAt: now - 3_600_000,
    since: now - 120_000,
    problem: 'captured, but there is no such booking',
  };

  it('says so when nothing is amiss', () => {
    const lines = reconciliationLines({ ...report, expiresAt: new Date(now) }, now);
    expect(lines.at(-1)).toBe('every payment has its tickets or its refund');
  });

  it('says what, how many and how old', () => {
    const findings = [finding, { ...finding, intentId: 'pi_2' }];
    const text = reconciliationLines({ ...report, findings, expiresAt: new Date(now) }, now);
    expect(text).toContain('     2  captured, but there is no such booking');
    expect(text.join('\n')).toContain('pi_1  12.50 EUR  1 h 0 min old, known for 2 min');
  });
});

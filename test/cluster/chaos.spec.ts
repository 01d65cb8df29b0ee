import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findGo } from '#ops/chaos/linearizable.ts';
import { type ChaosReport, lines } from '#ops/chaos/report.ts';
import { runChaos } from '#ops/chaos/run.ts';

const runnable = findGo() !== undefined || process.env.CI !== undefined;
const whereRunnable = runnable ? describe : describe.skip;

whereRunnable('a cluster under faults [needs Go]', () => {
  const cleanUp = new AsyncDisposableStack();
  let report: ChaosReport;

  beforeAll(async () => {
    report = await runChaos({
      seconds: 60,
      seed: 5,
      counts: { gateway: 2, inventory: 2, core: 1, worker: 1 },
      events: 2,
      seatsPerEvent: 150,
      clients: 16,
      payers: 8,
      quietMs: [500, 1_500],
      cleanUp,
      say: () => undefined,
    });
    if (report.violations.length > 0) console.error(lines(report).join('\n'));
  }, 400_000);

  afterAll(() => cleanUp.disposeAsync(), 60_000);

  it('tells no client anything untrue and keeps everything it has acknowledged', () => {
    expect(report.violations).toEqual([]);
  });

  it('was really disturbed, and its clients really had answers', () => {
    const fired = report.faults.filter((fault) => fault.fired > 0);
    expect(fired.length).toBeGreaterThanOrEqual(3);
    const reserve = report.byKind.find(({ kind }) => kind === 'reserve');
    expect(reserve?.ok).toBeGreaterThan(50);
    expect(reserve?.fail).toBeGreaterThan(10);
    expect(report.byKind.find(({ kind }) => kind === 'checkout')?.ok).toBeGreaterThan(5);
    expect(report.linearizable.operations).toBeGreaterThan(200);
  });

  it('really moved money in every way', () => {
    const done = report.byKind.filter(({ ok }) => ok > 0).map(({ kind }) => kind);
    expect(done).toEqual(
      expect.arrayContaining([
        'order with extras',
        'order package',
        'sell for cash',
        'cancel event',
      ]),
    );
    const { captured, refunded, ledgerEntries, auditEntries, reconciled } = report.money;
    expect(captured).toBeGreaterThan(refunded);
    expect(Math.min(refunded, ledgerEntries, auditEntries, reconciled)).toBeGreaterThan(0);
  });

  it('cuts nodes off wherever this machine can', () => {
    if (process.env.CI !== undefined) expect(report.network).toBe('namespaces');
    const cuts = report.faults.filter(({ name }) => name.startsWith('cut'));
    expect(cuts.length > 0).toBe(report.network === 'namespaces');
  });

  it('takes reservations again after every lost owner', () => {
    expect(report.recoveries.filter(({ never }) => never > 0)).toEqual([]);
  });
});

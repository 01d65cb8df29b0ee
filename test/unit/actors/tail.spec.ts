import { describe, expect, it } from '@jest/globals';
import { Tail } from '#actors/tail.ts';
import { limits } from '#domain/limits.ts';

const small = { ...limits, snapshotEveryEntries: 3, snapshotEveryBytes: 100 };

const entryOf = (bytes: number) => ({
  eventId: 'evt_1',
  seq: 1,
  epoch: 1,
  node: 'node',
  incarnation: 'one',
  batchId: 'batch',
  at: 0,
  format: 1,
  facts: 'x'.repeat(bytes),
});

describe('the tail behind a snapshot', () => {
  it('is long at its limit of entries', () => {
    const tail = new Tail(small, 0, 0);
    tail.add(entryOf(2));
    tail.add(entryOf(2));
    expect(tail.long).toBe(false);
    tail.add(entryOf(2));
    expect(tail.long).toBe(true);
  });

  it('is long at its limit of bytes, however few entries they are', () => {
    const tail = new Tail(small, 0, 0);
    tail.add(entryOf(99));
    expect(tail.long).toBe(false);
    tail.add(entryOf(1));
    expect(tail.long).toBe(true);
  });

  it('counts what was replayed at the claim', () => {
    expect(new Tail(small, 1, 100).long).toBe(true);
    expect(new Tail(small, 3, 10).long).toBe(true);
  });

  it('is long before its limits where a snapshot is wanted, unless it is short', () => {
    const tail = new Tail(limits, 50, 1_000);
    expect([tail.short, tail.want(), tail.long]).toEqual([true, false, false]);
    tail.add(entryOf(2));
    expect([tail.short, tail.want(), tail.long]).toEqual([false, true, true]);
    tail.cut();
    expect([tail.short, tail.long]).toEqual([true, false]);
    expect(new Tail(limits, 1, 2_000_000).short).toBe(false);
  });

  it('begins anew with a snapshot', () => {
    const tail = new Tail(small, 5, 500);
    tail.cut();
    expect(tail.long).toBe(false);
  });
});

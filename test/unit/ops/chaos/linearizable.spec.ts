import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SeatOp } from '#ops/chaos/history.ts';
import { buildChecker, checkHistories, findGo } from '#ops/chaos/linearizable.ts';

const second = 1_000_000;
const deadline = 600 * second;

const hold = (h: string, c: number, r: number, d = deadline): SeatOp => ({ k: 'hold', h, c, r, d });
const op = (k: SeatOp['k'], c: number, r?: number, h?: string): SeatOp => ({
  ...{ k, c },
  ...(r === undefined ? {} : { r }),
  ...(h === undefined ? {} : { h }),
});
const sell = (h: string, c: number, r: number): SeatOp => ({ ...op('sell', c, r, h), d: deadline });

/** Histories that no seat can have. */
const impossible: Readonly<Record<string, readonly SeatOp[]>> = {
  'a seat sold twice': [
    hold('a', 1, 2),
    sell('a', 3, 9),
    op('sold', 10, 11, 'a'),
    hold('b', 12, 13),
    sell('b', 14, 19),
  ],
  'a seat reserved while another has it': [hold('a', 1, 2), hold('b', 3, 4)],
  'a seat reserved by two at the same time': [
    hold('a', 1, 10),
    hold('b', 1, 10),
    op('held', 11, 12, 'a'),
  ],
  'a refusal of a seat that is free': [
    hold('a', 1, 2),
    op('release', 3, 4, 'a'),
    op('taken', 5, 6),
  ],
  'a seat said to be free while it is reserved': [
    hold('a', 1, 2),
    op('free', 3, 4),
    op('held', 5, 6, 'a'),
  ],
  'a granted reservation that is lost': [hold('a', 1, 2), op('free', 3, 4), hold('b', 5, 6)],
  'a reservation that ends before its deadline': [hold('a', 1, 2), op('ended', 3, 4, 'a')],
  'a reservation that outlives its deadline': [
    hold('a', 1, 2, 20 * second),
    op('taken', 30 * second, 31 * second),
  ],
  'a sale undone without a cancel': [hold('a', 1, 2), sell('a', 3, 4), hold('b', 5, 6)],
};

/** Histories that look odd and are true. */
const possible: Readonly<Record<string, readonly SeatOp[]>> = {
  'one after the other': [
    hold('a', 1, 2),
    op('taken', 3, 4),
    op('release', 5, 6, 'a'),
    hold('b', 7, 8),
    sell('b', 9, 10),
    op('taken', 11, 12),
    op('cancel', 13, 20, 'b'),
    hold('c', 15, 16),
  ],
  'two at the same time, the first of which is over in time': [
    hold('b', 1, 20),
    hold('a', 2, 5),
    op('release', 6, 9, 'a'),
  ],
  'a refusal by a reservation whose answer never came': [
    op('hold?', 1, undefined, 'x'),
    op('taken', 5, 6),
  ],
  'a reservation that has expired': [
    hold('a', 1, 2, 20 * second),
    op('ended', 21 * second, 22 * second, 'a'),
    hold('b', 23 * second, 24 * second),
  ],
  'a sale that was late to be told': [
    { ...hold('a', 1, 2, 20 * second), p: 3 },
    op('taken', 40 * second, 41 * second),
    sell('a', 3, 60 * second),
  ],
  'a release whose answer never came': [
    hold('a', 1, 2),
    op('release?', 3, undefined, 'a'),
    hold('b', 9, 10),
  ],
};

const go = findGo();
const withGo = go === undefined && process.env.CI === undefined ? describe.skip : describe;

withGo('the checker of histories [needs Go]', () => {
  let folder: string;
  let binary: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'usher-linearizable-'));
    binary = await buildChecker(folder);
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const check = async (seat: string, ops: readonly SeatOp[]) =>
    checkHistories(binary, [{ seat, ops }]);

  it.each(Object.entries(impossible))('finds %s', async (seat, ops) => {
    const { violations, undecided } = await check(seat, ops);
    expect(undecided).toEqual([]);
    expect(violations.map((violation) => violation.seat)).toEqual([seat]);
    expect(violations[0]?.stuck.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(possible))('takes %s', async (seat, ops) => {
    expect(await check(seat, ops)).toMatchObject({ violations: [], undecided: [] });
  });

  it('finds the one bad seat among many good ones', async () => {
    const good = Array.from({ length: 200 }, (_, i) => ({
      seat: `good ${i}`,
      ops: possible['one after the other'] ?? [],
    }));
    const bad = { seat: 'bad', ops: impossible['a seat sold twice'] ?? [] };
    const { seats, violations } = await checkHistories(binary, [...good, bad]);
    expect(seats).toBe(201);
    expect(violations.map((violation) => violation.seat)).toEqual(['bad']);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Availability,
  applyDelta,
  type Delta,
  deltaBetween,
  judgeDelta,
} from '#domain/availability.ts';

const counts = { available: 0, reserved: 0, sold: 0, blocked: 0 };
const view = (version: number, statuses: readonly number[], chartVersion = 1): Availability => {
  const seats = new Uint8Array(Math.ceil(statuses.length / 4));
  for (const [i, status] of statuses.entries()) {
    seats[i >> 2] = (seats[i >> 2] ?? 0) | (status << (2 * (i & 3)));
  }
  return { eventId: 'evt_1', version, chartVersion, sale: 'open', counts, seats };
};
const delta = (from: number, version: number, changes: Delta['changes'] = []): Delta => ({
  eventId: 'evt_1',
  from,
  version,
  sale: 'open',
  counts,
  changes,
});

describe('a delta', () => {
  it.each([
    ['fits what ends where it begins', 5, 5, 7, 'apply'],
    ['fits what lies within it', 6, 5, 7, 'apply'],
    ['is old for who has its end', 7, 5, 7, 'old'],
    ['is old for who is beyond it', 9, 5, 7, 'old'],
    ['leaves a gap for who has less than its beginning', 4, 5, 7, 'gap'],
    ['that repeats a version is old for who has it', 7, 7, 7, 'old'],
    ['that repeats a version shows a gap to who has less', 6, 7, 7, 'gap'],
  ] as const)('%s', (_what, mine, from, version, verdict) => {
    expect(judgeDelta(mine, delta(from, version))).toBe(verdict);
  });

  it('changes the places it names and leaves the older view as it was', () => {
    const fresh = view(1, [0, 1, 2, 3, 0]);
    const before = { ...fresh, seats: Buffer.from(fresh.seats) };
    const after = applyDelta(
      before,
      delta(1, 2, [
        [0, 3],
        [3, 0],
        [4, 2],
      ]),
    );
    expect(after.seats).toEqual(view(2, [3, 1, 2, 0, 2]).seats);
    expect(after.version).toBe(2);
    expect([...before.seats]).toEqual([...fresh.seats]);
  });

  it('does not grow a view by a place the chart does not have', () => {
    expect(applyDelta(view(1, [0, 0]), delta(1, 2, [[400, 1]])).seats).toHaveLength(1);
  });

  it('worked out between two views leads from one to the other', () => {
    const statuses = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(statuses, fc.infiniteStream(fc.integer({ min: 0, max: 3 })), (was, stream) => {
        const older = view(1, was);
        const newer = view(
          2,
          was.map(() => stream.next().value ?? 0),
        );
        const between = deltaBetween(older, newer, 1_000);
        expect(between && applyDelta(older, between)).toEqual(newer);
      }),
    );
  });

  it('cannot be worked out between two charts, or when too much has changed', () => {
    expect(deltaBetween(view(1, [0]), view(2, [0], 2), 100)).toBeUndefined();
    expect(deltaBetween(view(1, [0]), view(2, [0, 0, 0, 0, 0]), 100)).toBeUndefined();
    expect(deltaBetween(view(1, [0, 0, 0]), view(2, [1, 1, 1]), 2)).toBeUndefined();
  });
});

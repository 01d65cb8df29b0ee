import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';

type Write = { readonly items: readonly number[]; end(error?: Error): void };

/** A group commit whose writes end when the test says so. */
function stage(lanes?: number) {
  const writes: Write[] = [];
  const commits = new GroupCommit<number>({
    clock: systemClock,
    groupMax: 3,
    waitingMax: 8,
    ...(lanes !== undefined && { lanes }),
    whenFull: () => new Error('full'),
    write: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void => (error === undefined ? resolve() : reject(error));
        writes.push({ items, end });
      }),
  });
  const add = (...items: number[]) => items.map((item) => commits.add(item));
  const groups = () => writes.map(({ items }) => items);
  return { writes, add, groups };
}

const turn = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await systemClock.tick();
};

describe('a group commit', () => {
  it('stores what comes in one moment together, and one group after the other', async () => {
    const { writes, add, groups } = stage();
    const first = add(1, 2, 3, 4);
    await turn();
    expect(groups()).toEqual([[1, 2, 3]]);
    add(5);
    await turn();
    expect(groups()).toEqual([[1, 2, 3]]);
    writes[0]?.end();
    await Promise.all(first.slice(0, 3));
    await turn();
    expect(groups()).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('has as many groups under way as it has lanes', async () => {
    const { writes, add, groups } = stage(2);
    add(1, 2, 3, 4, 5);
    await turn();
    expect(groups()).toEqual([[1, 2, 3]]);
    add(6, 7);
    await turn();
    expect(groups()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    add(8);
    await turn();
    expect(groups()).toHaveLength(2);
    writes[1]?.end();
    await turn();
    expect(groups()[2]).toEqual([7, 8]);
  });

  it('tells a failure to its group only, and refuses what is beyond its bound', async () => {
    const { writes, add } = stage();
    const items = add(1, 2, 3);
    await turn();
    const later = add(4, 5, 6, 7, 8, 9, 10, 11);
    await expect(add(12)[0]).rejects.toThrow('full');
    writes[0]?.end(new Error('no'));
    const outcomes = await Promise.allSettled(items);
    expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    await turn();
    writes[1]?.end();
    await Promise.all(later.slice(0, 3));
  });
});

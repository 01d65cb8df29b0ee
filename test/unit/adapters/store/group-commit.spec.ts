import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { GroupRead } from '#adapters/store/group-read.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

type Write = { readonly items: readonly number[]; end(error?: Error): void };

/** A group commit whose writes end when the test says so. */
function stage(lanes?: number) {
  const writes: Write[] = [];
  const commits = new GroupCommit<number>({
    clock: { ...systemClock, monotonic: () => 0 },
    groupMax: 3,
    waitingMax: 8,
    spacingMs: 0,
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

describe('the pace of groups', () => {
  /** Writes end by themselves; `groups` says what each stored and when it began. */
  function paced(groupMax = 100, tookMs = 0) {
    const clock = new ManualClock();
    const from = clock.monotonic();
    const groups: [ms: number, ...items: number[]][] = [];
    const commits = new GroupCommit<number>({
      clock,
      groupMax,
      waitingMax: 100,
      spacingMs: 10,
      whenFull: () => new Error('full'),
      write: async (items) => {
        groups.push([clock.monotonic() - from, ...items]);
        clock.advance(tookMs);
      },
    });
    return { clock, groups, add: (item: number) => commits.add(item) };
  }

  it('writes at once after a pause, and else some time after the last one began', async () => {
    const { clock, groups, add } = paced();
    await add(1);
    clock.advance(4);
    const rest = [add(2), add(3)];
    await turn();
    clock.advance(5);
    rest.push(add(4));
    await turn();
    expect(groups).toEqual([[0, 1]]);
    clock.advance(1);
    await Promise.all(rest);
    clock.advance(10);
    await add(5);
    expect(groups).toEqual([
      [0, 1],
      [10, 2, 3, 4],
      [20, 5],
    ]);
  });

  it('rests after a slow write, twice what it took', async () => {
    const { clock, groups, add } = paced(100, 30);
    await add(1);
    const next = add(2);
    await turn();
    clock.advance(59);
    await turn();
    expect(groups).toEqual([[0, 1]]);
    clock.advance(1);
    await next;
    expect(groups).toEqual([
      [0, 1],
      [90, 2],
    ]);
  });

  it('does not wait with as much as one write may take', async () => {
    const { groups, add } = paced(2);
    await Promise.all([1, 2, 3, 4].map(add));
    expect(groups).toEqual([
      [0, 1, 2],
      [0, 3, 4],
    ]);
  });

  it('leaves nothing behind, whenever it comes in', async () => {
    const { clock, add } = paced(3);
    let stored = 0;
    for (let i = 0; i < 50; i++) {
      void add(i).then(() => stored++);
      for (let turns = i % 4; turns > 0; turns--) await Promise.resolve();
      clock.advance(i % 7);
    }
    for (let i = 0; i < 5; i++) {
      await turn();
      clock.advance(10);
    }
    await turn();
    expect(stored).toBe(50);
  });

  it('looks up what is asked for while a query may not begin with the next one', async () => {
    const clock = new ManualClock();
    const queries: (readonly string[])[] = [];
    const read = new GroupRead(
      clock,
      async (keys) => {
        queries.push(keys);
        return keys;
      },
      (key) => key,
      5,
    );
    expect(await read.one('a')).toBe('a');
    const rest = [read.one('b'), read.one('c')];
    await turn();
    clock.advance(4);
    rest.push(read.one('d'));
    await turn();
    expect(queries).toEqual([['a']]);
    clock.advance(1);
    expect(await Promise.all(rest)).toEqual(['b', 'c', 'd']);
    expect(queries).toEqual([['a'], ['b', 'c', 'd']]);
    clock.advance(5);
    expect(await read.all('e')).toEqual(['e']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { UnderWay } from '#domain/under-way.ts';

/** Work that ends when it is told to. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { run: () => promise, end: () => resolve(), fail: (why: Error) => reject(why) };
}

const ended = async (wait: Promise<void>): Promise<boolean> => {
  let over = false;
  void wait.then(() => {
    over = true;
  });
  await new Promise(setImmediate);
  return over;
};

describe('work under way', () => {
  it('is counted until it has ended', async () => {
    const all = new UnderWay();
    const one = work();
    const over = all.begin(one.run);
    expect(all.size).toBe(1);
    one.end();
    await over;
    expect(all.size).toBe(0);
  });

  it('that fails is told of, and counts as ended', async () => {
    const told: unknown[] = [];
    const all = new UnderWay((error) => told.push(error));
    const [one, why] = [work(), new Error('why')];
    const over = all.begin(one.run);
    one.fail(why);
    await over;
    expect([told, all.size]).toEqual([[why], 0]);
  });

  it('is settled before what was begun behind it, and idle only after that', async () => {
    const all = new UnderWay();
    const [first, second] = [work(), work()];
    all.begin(first.run);
    const [settled, idle] = [all.settled(), all.idle()];
    all.begin(second.run);
    first.end();
    expect([await ended(settled), await ended(idle)]).toEqual([true, false]);
    second.end();
    expect(await ended(idle)).toBe(true);
  });
});

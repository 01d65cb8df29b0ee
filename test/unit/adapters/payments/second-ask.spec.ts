import { describe, expect, it } from '@jest/globals';
import { SecondAsk } from '#adapters/payments/second-ask.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

const options = { afterMs: 800, allowance: { shareMax: 0.05, savedMax: 1 } };
const settled = () => new Promise((resolve) => setImmediate(resolve));
const refused = new Error('refused');
const isAnswer = (error: unknown): boolean => error === refused;

/** Requests that are answered by hand. */
function provider() {
  const asked: PromiseWithResolvers<string>[] = [];
  const task = (): Promise<string> => {
    const answer = Promise.withResolvers<string>();
    asked.push(answer);
    return answer.promise;
  };
  return { asked, task };
}

describe('a second request beside a late one', () => {
  it('is not sent while answers come in time', async () => {
    const { asked, task } = provider();
    const run = new SecondAsk(new ManualClock(), options).run(task, isAnswer);
    asked[0]?.resolve('first');
    await expect(run).resolves.toBe('first');
    expect(asked).toHaveLength(1);
  });

  it('answers in place of one that was lost', async () => {
    const clock = new ManualClock();
    const { asked, task } = provider();
    const run = new SecondAsk(clock, options).run(task, isAnswer);
    clock.advance(800);
    await settled();
    expect(asked).toHaveLength(2);
    asked[1]?.resolve('second');
    await expect(run).resolves.toBe('second');
  });

  it('that learns nothing leaves the word to the first', async () => {
    const clock = new ManualClock();
    const { asked, task } = provider();
    const run = new SecondAsk(clock, options).run(task, isAnswer);
    clock.advance(800);
    await settled();
    asked[1]?.reject(new Error('in use'));
    await settled();
    asked[0]?.resolve('first');
    await expect(run).resolves.toBe('first');
  });

  it('that is refused ends the matter', async () => {
    const clock = new ManualClock();
    const { asked, task } = provider();
    const run = new SecondAsk(clock, options).run(task, isAnswer);
    clock.advance(800);
    await settled();
    asked[1]?.reject(refused);
    await expect(run).rejects.toBe(refused);
  });

  it("fails with the first one's error when neither is answered", async () => {
    const clock = new ManualClock();
    const { asked, task } = provider();
    const run = new SecondAsk(clock, options).run(task, isAnswer);
    run.catch(() => {});
    clock.advance(800);
    await settled();
    const silence = new Error('timed out');
    asked[0]?.reject(silence);
    asked[1]?.reject(new Error('timed out too'));
    await expect(run).rejects.toBe(silence);
  });

  it('is sent for a share of requests only', async () => {
    const clock = new ManualClock();
    const { asked, task } = provider();
    const secondAsk = new SecondAsk(clock, options);
    for (let i = 0; i < 10; i++) void secondAsk.run(task, isAnswer);
    clock.advance(800);
    await settled();
    expect(asked).toHaveLength(11);
  });
});

import { expect, it } from '@jest/globals';
import { Breaker } from '#adapters/payments/breaker.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

const options = { inFlightMax: 100, failuresMax: 3, openMs: 1_000, roomAfterOutage: 2 };
const silent = () => Promise.reject(new Error('silent'));
const isFailure = () => true;

async function opened() {
  const clock = new ManualClock();
  const breaker = new Breaker(clock, options);
  for (let i = 0; i < 3; i++) await breaker.run(silent, isFailure).catch(() => undefined);
  return { clock, breaker };
}

it('opens after failures in a row, and one call in a while may try', async () => {
  const { clock, breaker } = await opened();
  expect(breaker.state).toBe('open');
  const refused = await breaker.run(async () => 1, isFailure).catch((error: unknown) => error);
  expect(hasCode(refused, 'payment-provider-unavailable')).toBe(true);
  clock.advance(1_000);
  expect(await breaker.run(async () => 1, isFailure)).toBe(1);
  expect(breaker.state).toBe('closed');
});

it('lets those who waited in slowly: each success makes room for one more', async () => {
  const { clock, breaker } = await opened();
  clock.advance(1_000);
  await breaker.run(async () => 1, isFailure);
  const rush = async (): Promise<number> => {
    const calls = Array.from({ length: 200 }, () =>
      breaker
        .run(() => Promise.resolve().then(() => 1), isFailure)
        .catch((error: unknown) => {
          if (error instanceof UsherError) return 0;
          throw error;
        }),
    );
    return (await Promise.all(calls)).reduce((sum, n) => sum + n, 0);
  };
  const rushes: number[] = [];
  for (let i = 0; i < 7; i++) rushes.push(await rush());
  expect(rushes).toEqual([3, 6, 12, 24, 48, 96, 100]);
});

import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Ids } from '#adapters/ids/port.ts';

/** Random bytes are fetched this many at a time: a ULID takes 16 of them one by one. */
const poolBytes = 4_096;
let pool: Uint8Array = new Uint8Array(0);
let used = 0;

/** One random byte as a number in [0, 1): a character of a ULID takes its upper five bits. */
function randomFraction(): number {
  if (used === pool.length) {
    pool = randomBytes(poolBytes);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

const nextUlid = monotonicFactory(randomFraction);

/** Ids and chance from the operating system's generator. */
export const systemIds: Ids = {
  ulid: () => nextUlid(),
  bytes: (length) => randomBytes(length),
  chance: () => Math.random(),
};

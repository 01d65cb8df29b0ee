import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Ids } from '#adapters/ids/port.ts';

const nextUlid = monotonicFactory();

/** Ids and chance from the operating system's generator. */
export const systemIds: Ids = {
  ulid: () => nextUlid(),
  bytes: (length) => randomBytes(length),
  chance: () => Math.random(),
};

import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import type { Operation } from '#services/api/operation.ts';
import { patienceOf } from '#services/api/patience.ts';

const shownBy = { action: 'bookings.get', id: 'bookingId' };
const operation = (http: object) => ({ http }) as Operation;
const request = (prefer?: string) => ({ headers: { prefer } }) as unknown as IncomingMessage;
const secondsOf = (prefer?: string): number | undefined =>
  patienceOf(operation({ shownBy }), request(prefer), 20)?.seconds;

describe('Prefer: wait', () => {
  it.each([
    ['wait=5', 5],
    ['respond-async, wait=5', 5],
    ['wait=5, handling=lenient', 5],
    ['Wait = "5"; foo', 5],
    ['wait=3600', 20],
  ])('of `%s` is %i s', (prefer, seconds) => {
    expect(secondsOf(prefer)).toBe(seconds);
  });

  it.each([undefined, '', 'wait', 'wait=0', 'wait=-1', 'wait=1.5', 'wait=soon', 'await=5'])(
    'is not asked for by `%s`',
    (prefer) => {
      expect(secondsOf(prefer)).toBeUndefined();
    },
  );

  it('says what shows the result, and means nothing where nothing does', () => {
    expect(patienceOf(operation({ shownBy }), request('wait=1'), 20)).toEqual({
      ...shownBy,
      seconds: 1,
    });
    expect(patienceOf(operation({}), request('wait=1'), 20)).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { covered, spansByBooking } from '#bench/checkout/provider.ts';

const bookingOfIntent = { pi_1: 'bkg_1' };
const key = 'usher:bkg_1:1:authorise';
const request = (from: number, to: number, more: object = {}) => ({
  method: 'POST',
  path: '/v1/payment_intents',
  idempotencyKey: key as string | undefined,
  from,
  to,
  answered: true,
  ...more,
});
const spansOf = (requests: ReturnType<typeof request>[]) =>
  spansByBooking({ requests, bookingOfIntent, cpuSeconds: 0 }).get('bkg_1');

describe('the time in which a booking waits for the provider', () => {
  it('is that of its requests, by their key or their intent', () => {
    const capture = { path: '/v1/payment_intents/pi_1/capture', idempotencyKey: undefined };
    const others = request(0, 99, { idempotencyKey: 'usher:bkg_2:1:authorise' });
    expect(spansOf([request(10, 20), others, request(30, 45, capture)])).toEqual([
      { from: 10, to: 20 },
      { from: 30, to: 45 },
    ]);
  });

  it('ends for a request without an answer when its repeat is answered', () => {
    const late = request(0, 4_000, { answered: false });
    expect(spansOf([late, request(800, 810)])).toEqual([
      { from: 0, to: 810 },
      { from: 800, to: 810 },
    ]);
    expect(spansOf([late])).toEqual([{ from: 0, to: 4_000 }]);
  });

  it('is counted once where requests are side by side, and only within the checkout', () => {
    const spans = [
      { from: 0, to: 30 },
      { from: 20, to: 40 },
      { from: 60, to: 90 },
    ];
    expect(covered(spans, 10, 70)).toBe(40);
  });
});

import { describe, expect, it } from '@jest/globals';
import {
  type BookingOfPayment,
  fromProviderAmount,
  type IntentMoney,
  paymentProblem,
  toProviderAmount,
} from '#domain/payment.ts';

describe('amounts as the provider spells them', () => {
  it.each([
    [12_345, 'EUR', 12_345],
    [1_200, 'JPY', 1_200],
    [1_200, 'ISK', 120_000],
    [500, 'UGX', 50_000],
    [5_000, 'MGA', 50],
    [12_340, 'KWD', 12_340],
  ])('%d minor units of %s are %d', (amount, currency, provider) => {
    expect(toProviderAmount({ amount, currency })).toBe(provider);
    expect(fromProviderAmount(provider, currency.toLowerCase())).toEqual({ amount, currency });
  });

  it.each([
    [12_345, 'KWD'],
    [123, 'MGA'],
  ])('refuses %d of %s, which cannot be expressed', (amount, currency) => {
    expect(() => toProviderAmount({ amount, currency })).toThrow(/cannot be charged/);
  });
});

describe('paymentProblem', () => {
  const paid: IntentMoney = { status: 'succeeded', captured: 500, refunded: 0 };
  const booked: BookingOfPayment = {
    status: 'confirmed',
    finished: true,
    validTickets: 2,
    refundPending: 0,
  };
  const gone: BookingOfPayment = { ...booked, status: 'cancelled', validTickets: 0 };

  it.each<[string, IntentMoney, BookingOfPayment | undefined]>([
    ['a payment with its tickets', paid, booked],
    ['a payment that was returned', { ...paid, refunded: 500 }, { ...gone, status: 'refunded' }],
    ['a payment that is on its way back', paid, { ...gone, refundPending: 500 }],
    ['an abandoned attempt', { status: 'canceled', captured: 0, refunded: 0 }, gone],
    [
      'an intent nobody confirmed',
      { ...paid, status: 'requires_payment_method', captured: 0 },
      undefined,
    ],
    [
      'an authorisation under way',
      { ...paid, status: 'requires_capture', captured: 0 },
      { ...gone, status: 'selling', finished: false },
    ],
  ])('sees nothing wrong with %s', (_name, intent, booking) => {
    expect(paymentProblem(intent, booking)).toBeUndefined();
  });

  it.each<[string, IntentMoney, BookingOfPayment | undefined, RegExp]>([
    ['money without a booking', paid, undefined, /no such booking/],
    [
      'an authorisation without a booking',
      { status: 'requires_capture', captured: 0, refunded: 0 },
      undefined,
      /authorised/,
    ],
    ['money without tickets', paid, { ...gone, status: 'expired' }, /without tickets or refund/],
    [
      'a refund that fell short',
      { ...paid, refunded: 100 },
      { ...gone, refundPending: 300 },
      /without tickets/,
    ],
    [
      'tickets without money',
      { status: 'canceled', captured: 0, refunded: 0 },
      booked,
      /tickets without/,
    ],
    [
      'an authorisation left behind',
      { status: 'requires_capture', captured: 0, refunded: 0 },
      gone,
      /is open/,
    ],
  ])('reports %s', (_name, intent, booking, sentence) => {
    expect(paymentProblem(intent, booking)).toMatch(sentence);
  });
});

import { describe, expect, it } from '@jest/globals';
import { fromProviderAmount, toProviderAmount } from '#domain/payment.ts';

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

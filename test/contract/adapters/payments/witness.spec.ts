import { describe, expect, it } from '@jest/globals';
import { problemsOf } from '#test/support/stripe-api.ts';

/* The suites beside this one hold every request and answer to `problemsOf`: it must be able to object. */
const post = (url: string, form: string, answer: object = { error: { type: 'api_error' } }) =>
  problemsOf({ method: 'POST', url, form, status: 400, answer: JSON.stringify(answer) }).problems;

describe("Stripe's description of its API", () => {
  const create = '/v1/payment_intents';

  it('finds nothing wrong with what is right', () => {
    const form =
      'amount=100&currency=eur&capture_method=manual&metadata[a]=b&expand[0]=latest_charge';
    expect(post(create, form)).toEqual([]);
  });

  it.each([
    ['an unknown parameter', 'amount=100&currency=eur&colour=red', 'additional properties'],
    ['a missing one', 'currency=eur', "required property 'amount'"],
    ['a wrong type', 'amount=much&currency=eur', 'amount must be integer'],
    ['a wrong choice', 'amount=1&currency=eur&capture_method=later', 'equal to one of the allowed'],
    ['a wrong item', 'amount=1&currency=eur&allowed_payment_method_types[]=cash', 'allowed values'],
    ['a wrong part', 'amount=1&currency=eur&automatic_payment_methods[enabled]=maybe', 'boolean'],
  ])('objects to %s', (_, form, why) => {
    expect(post(create, form).join()).toContain(why);
  });

  it('objects to a request that it does not know', () => {
    expect(post('/v1/payment_intent', '').join()).toContain('unknown');
    expect(post('/v1/payment_intents/pi_1/search', '').join()).toContain('unknown');
  });

  it('objects to an answer of another shape', () => {
    const answer = JSON.stringify({ id: 'pi_1', object: 'payment_intent', status: 'paid' });
    const { problems } = problemsOf({
      method: 'GET',
      url: '/v1/payment_intents/pi_1?expand[0]=latest_charge',
      form: '',
      status: 200,
      answer,
    });
    expect(problems.join()).toContain("required property 'created'");
    expect(problems.join()).toContain('equal to one of the allowed');
    expect(post(create, 'amount=1&currency=eur', { error: {} }).join()).toContain("'type'");
  });
});

import { disputeEndpoints, disputeOf } from '#adapters/payments/simulator/disputes.ts';
import type { Endpoint } from '#adapters/payments/simulator/endpoint.ts';
import { invalidParam, missing } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import { cancel, capture, confirm } from '#adapters/payments/simulator/intents.ts';
import { listOf, searchIntents } from '#adapters/payments/simulator/lists.ts';
import { chosenMethod, knownCustomer, methodToUse } from '#adapters/payments/simulator/methods.ts';
import type { Answer, ChargeDoc, IntentDoc } from '#adapters/payments/simulator/model.ts';
import { newIntent } from '#adapters/payments/simulator/objects.ts';
import {
  flag,
  integer,
  metadataOf,
  objectOf,
  oneOf,
  onlyKnown,
  required,
  text,
  texts,
} from '#adapters/payments/simulator/params.ts';
import { refund } from '#adapters/payments/simulator/refunds.ts';
import { walletEndpoints } from '#adapters/payments/simulator/wallet.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

/** Amounts below these are refused, as by Stripe (docs.stripe.com/currencies). */
const minimums: Readonly<Record<string, number>> = {
  usd: 50,
  eur: 50,
  gbp: 30,
  jpy: 50,
  chf: 50,
  dkk: 250,
  sek: 300,
  nok: 300,
  pln: 200,
  aud: 50,
  cad: 50,
  hkd: 400,
  sgd: 50,
};

const currencyPattern = /^[a-z]{3}$/;

async function intentOf(world: World, id: string, status = 404): Promise<IntentDoc> {
  const doc = await world.store.find('payment_intent', id);
  if (doc === undefined) {
    throw missing('payment_intent', id, status === 404 ? 'intent' : 'payment_intent', status);
  }
  return doc;
}

async function createIntent(world: World, _id: string, params: Params): Promise<Answer> {
  const amount = required(integer(params, 'amount'), 'amount');
  const currency = required(text(params, 'currency'), 'currency').toLowerCase();
  if (!currencyPattern.test(currency)) {
    throw invalidParam(`Invalid currency: ${currency}`, 'currency');
  }
  if (amount < 1) {
    throw invalidParam('Invalid positive integer', 'amount', 'parameter_invalid_integer');
  }
  if (amount < (minimums[currency] ?? 1)) {
    throw invalidParam(
      'Amount must be at least the minimum of its currency',
      'amount',
      'amount_too_small',
    );
  }
  if (amount > 99_999_999) throw invalidParam('Amount too large', 'amount', 'amount_too_large');
  const types = texts(params, 'allowed_payment_method_types');
  if (types.some((type) => type !== 'card')) {
    throw invalidParam('The simulator takes cards only', 'allowed_payment_method_types');
  }
  const { now } = world.moment();
  const intent = newIntent({
    id: world.newId('pi'),
    secret: world.newId('s').slice(2),
    amount,
    currency,
    captureMethod: oneOf(params, 'capture_method', ['automatic', 'manual']) ?? 'automatic',
    metadata: metadataOf(params),
    description: text(params, 'description') ?? null,
    customer: await knownCustomer(world, params),
    save: oneOf(params, 'setup_future_usage', ['off_session', 'on_session']) ?? null,
    automatic: flag(objectOf(params, 'automatic_payment_methods'), 'enabled') ?? false,
    created: Math.floor(now / 1000),
  });
  const created = { type: 'payment_intent.created', object: intent.body };
  if (!flag(params, 'confirm')) {
    const early = confirmParams.find((name) => params[name] !== undefined);
    if (early !== undefined) throw invalidParam(`${early} is taken with confirm=true only`, early);
    return { status: 200, body: intent.body, puts: [intent], events: [created] };
  }
  const answer = await confirmed(world, intent, params);
  return { ...answer, events: [created, ...(answer.events ?? [])] };
}

const confirmIntent = async (world: World, id: string, params: Params): Promise<Answer> =>
  confirmed(world, await intentOf(world, id), params);

async function confirmed(world: World, intent: IntentDoc, params: Params): Promise<Answer> {
  const method = chosenMethod(params);
  const returnUrl = text(params, 'return_url');
  if (method === undefined) {
    const message =
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.";
    throw invalidParam(message, 'payment_method', 'payment_intent_unexpected_state');
  }
  const customer = typeof intent.body.customer === 'string' ? intent.body.customer : null;
  const used = await methodToUse(world, method, customer);
  const offSession = flag(params, 'off_session') ?? false;
  return confirm(intent, { ...used, offSession, returnUrl }, world.moment());
}

/** A card that disputes does so as soon as its money is taken. */
function disputedAtOnce(world: World, intent: IntentDoc, answer: Answer): Answer {
  const charge = answer.puts?.find((doc): doc is ChargeDoc => doc.kind === 'charge');
  const more = charge && disputeOf(intent.card, charge, world.moment());
  if (more === undefined) return answer;
  const puts = [...(answer.puts ?? []).filter((doc) => doc !== charge), ...more.puts];
  return { ...answer, puts, events: [...(answer.events ?? []), ...more.events] };
}

async function refundIntent(world: World, _id: string, params: Params): Promise<Answer> {
  const id = required(text(params, 'payment_intent'), 'payment_intent');
  const amount = integer(params, 'amount');
  if (amount !== undefined && amount < 1) {
    throw invalidParam('Invalid positive integer', 'amount', 'parameter_invalid_integer');
  }
  const reasons = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;
  const order = {
    amount,
    reason: oneOf(params, 'reason', reasons) ?? null,
    metadata: metadataOf(params),
  };
  const intent = await intentOf(world, id, 400);
  return refund(intent, await world.chargeOf(intent), order, world.moment());
}

/** An object by its id. */
const retrieve = (kind: 'charge' | 'refund') => async (world: World, id: string) => {
  const doc = await world.store.find(kind, id);
  if (doc === undefined) throw missing(kind, id, 'id');
  return { status: 200, body: doc.body };
};

async function retrieveEvent(world: World, id: string): Promise<Answer> {
  const doc = await world.store.find('event', id);
  if (doc === undefined) throw missing('event', id, 'id');
  return { status: 200, body: JSON.parse(doc.payload) };
}

const byPath = (id: string): string => id;
const pages = ['limit', 'starting_after', 'ending_before', 'created'];
const intentPath = /^\/v1\/payment_intents\/(pi_\w+)$/;
const confirmParams = ['payment_method', 'payment_method_data', 'return_url', 'off_session'];
const step = (name: string): RegExp => new RegExp(`^/v1/payment_intents/(pi_\\w+)/${name}$`);

/** The part of Stripe's API that is simulated. */
export const endpoints: readonly Endpoint[] = [
  {
    operation: 'payment_intents.create',
    method: 'POST',
    path: /^\/v1\/payment_intents$/,
    known: [
      'amount',
      'currency',
      'capture_method',
      'allowed_payment_method_types',
      'metadata',
      'description',
      'customer',
      'setup_future_usage',
      'automatic_payment_methods',
      'confirm',
      ...confirmParams,
    ],
    run: createIntent,
  },
  {
    operation: 'payment_intents.confirm',
    method: 'POST',
    path: step('confirm'),
    orderBy: byPath,
    known: confirmParams,
    run: confirmIntent,
  },
  {
    operation: 'payment_intents.capture',
    method: 'POST',
    path: step('capture'),
    orderBy: byPath,
    known: ['amount_to_capture'],
    run: async (world, id, params) => {
      const intent = await intentOf(world, id);
      const amount = integer(params, 'amount_to_capture');
      return disputedAtOnce(world, intent, capture(intent, await world.chargeOf(intent), amount));
    },
  },
  {
    operation: 'payment_intents.cancel',
    method: 'POST',
    path: step('cancel'),
    orderBy: byPath,
    known: ['cancellation_reason'],
    run: async (world, id, params) => {
      const reasons = ['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer'] as const;
      const reason = oneOf(params, 'cancellation_reason', reasons) ?? null;
      const intent = await intentOf(world, id);
      return cancel(intent, await world.chargeOf(intent), reason, world.moment());
    },
  },
  {
    operation: 'payment_intents.search',
    method: 'GET',
    path: /^\/v1\/payment_intents\/search$/,
    known: ['query', 'limit', 'page'],
    run: (world, _id, params) => searchIntents(world, params),
  },
  {
    operation: 'payment_intents.retrieve',
    method: 'GET',
    path: intentPath,
    known: ['client_secret'],
    run: async (world, id) => ({ status: 200, body: (await intentOf(world, id)).body }),
  },
  {
    operation: 'payment_intents.list',
    method: 'GET',
    path: /^\/v1\/payment_intents$/,
    known: pages,
    run: (world, _id, params) => listOf(world, 'payment_intent', params),
  },
  {
    operation: 'refunds.create',
    method: 'POST',
    path: /^\/v1\/refunds$/,
    orderBy: (_id, params) => text(params, 'payment_intent'),
    known: ['payment_intent', 'amount', 'reason', 'metadata'],
    run: refundIntent,
  },
  {
    operation: 'refunds.list',
    method: 'GET',
    path: /^\/v1\/refunds$/,
    known: [...pages, 'payment_intent', 'charge'],
    run: (world, _id, params) => listOf(world, 'refund', params),
  },
  {
    operation: 'refunds.retrieve',
    method: 'GET',
    path: /^\/v1\/refunds\/(re_\w+)$/,
    known: [],
    run: retrieve('refund'),
  },
  {
    operation: 'charges.retrieve',
    method: 'GET',
    path: /^\/v1\/charges\/(ch_\w+)$/,
    known: [],
    run: retrieve('charge'),
  },
  {
    operation: 'events.list',
    method: 'GET',
    path: /^\/v1\/events$/,
    known: [...pages, 'type', 'types', 'delivery_success'],
    run: (world, _id, params) => listOf(world, 'event', params),
  },
  {
    operation: 'events.retrieve',
    method: 'GET',
    path: /^\/v1\/events\/(evt_\w+)$/,
    known: [],
    run: retrieveEvent,
  },
  ...walletEndpoints,
  ...disputeEndpoints,
];

/** Refuses what the endpoint does not take, then runs it and expands what was asked for. */
export async function runEndpoint(
  endpoint: Endpoint,
  world: World,
  id: string,
  params: Params,
): Promise<Answer> {
  onlyKnown(params, [...endpoint.known, 'expand']);
  const answer = await endpoint.run(world, id, params);
  const wanted = texts(params, 'expand');
  for (const path of wanted) {
    if (path !== 'latest_charge' && path !== 'data.latest_charge') {
      throw invalidParam(`This property cannot be expanded (${path}).`, 'expand');
    }
  }
  return wanted.length === 0 ? answer : { ...answer, body: await expand(world, answer) };
}

/** Puts the charges in place of their ids, those that this very request changes included. */
async function expand(world: World, answer: Answer): Promise<object> {
  const one = async (object: object): Promise<object> => {
    const latest = (object as { readonly latest_charge?: unknown }).latest_charge;
    if (typeof latest !== 'string') return object;
    const changed = answer.puts?.find((doc) => doc._id === latest);
    const charge = changed ?? (await world.store.find('charge', latest));
    return { ...object, latest_charge: charge?.body ?? latest };
  };
  const { data } = answer.body as { readonly data?: readonly object[] };
  if (data !== undefined) return { ...answer.body, data: await Promise.all(data.map(one)) };
  return one(answer.body);
}

import type Stripe from 'stripe';
import { cardOf, type Decline } from '#adapters/payments/simulator/cards.ts';
import type { Endpoint } from '#adapters/payments/simulator/endpoint.ts';
import { invalidParam, missing, refused } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import { type Moment, savedMethod } from '#adapters/payments/simulator/intents.ts';
import { chosenMethod, knownCustomer, methodToUse } from '#adapters/payments/simulator/methods.ts';
import {
  type Answer,
  type Change,
  event,
  type SetupDoc,
} from '#adapters/payments/simulator/model.ts';
import { paymentMethod } from '#adapters/payments/simulator/objects.ts';
import { flag, metadataOf, oneOf, text } from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const withBody = (doc: SetupDoc, body: Partial<Stripe.SetupIntent>): SetupDoc => ({
  ...doc,
  body: { ...doc.body, ...body },
});

/** The bank allows the card to be kept: it becomes its customer's. */
function succeed(doc: SetupDoc, at: Moment): Change {
  const { customer, payment_method: method } = doc.body;
  const after = withBody(doc, { status: 'succeeded', next_action: null, last_setup_error: null });
  const saved =
    typeof customer === 'string' && typeof method === 'string'
      ? [savedMethod(method, doc.card ?? '', customer, Math.floor(at.now / 1000))]
      : [];
  return {
    puts: [after, ...saved],
    events: [
      event('setup_intent.succeeded', after.body),
      ...saved.map(({ body }) => event('payment_method.attached', body)),
    ],
  };
}

function fail(doc: SetupDoc, { code, declineCode, message }: Decline, at: Moment): Change {
  const method = paymentMethod(
    String(doc.body.payment_method),
    cardOf(doc.card),
    Math.floor(at.now / 1000),
  );
  const after = withBody(doc, {
    status: 'requires_payment_method',
    payment_method: null,
    next_action: null,
    last_setup_error: {
      type: 'card_error',
      code: code as Stripe.SetupIntent.LastSetupError.Code,
      message,
      ...(declineCode !== undefined && { decline_code: declineCode }),
      payment_method: method,
    },
  });
  return { puts: [after], events: [event('setup_intent.setup_failed', after.body)] };
}

const notAuthenticated: Decline = {
  code: 'setup_intent_authentication_failure',
  message:
    'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
};

/** What the buyer did on the bank's page. */
export function answerSetup(doc: SetupDoc, passed: boolean, at: Moment): Change {
  if (!passed) return fail(doc, notAuthenticated, at);
  const { decline, savable } = cardOf(doc.card);
  return decline === undefined || savable ? succeed(doc, at) : fail(doc, decline, at);
}

/** Confirms a setup with the payment method that stands in it. */
function confirmed(doc: SetupDoc, at: Moment): Answer {
  const { challenge } = cardOf(doc.card);
  if (challenge === 'always' || challenge === 'unless-saved') {
    const token = encodeURIComponent(doc.body.client_secret ?? '');
    const url = `${at.publicUrl}/_simulator/3ds/${doc._id}?client_secret=${token}`;
    const returnTo = { return_url: doc.returnUrl ?? null, url };
    const after = withBody(doc, {
      status: 'requires_action',
      next_action: { type: 'redirect_to_url', redirect_to_url: returnTo },
    });
    const events = [event('setup_intent.requires_action', after.body)];
    return { status: 200, body: after.body, puts: [after], events };
  }
  const change = answerSetup(doc, true, at);
  const { body } = change.puts.find((put): put is SetupDoc => put.kind === 'setup_intent') ?? doc;
  const error = body.last_setup_error;
  if (error === null) return { status: 200, body, ...change };
  return { status: 402, body: { error: { ...error, setup_intent: body } }, ...change };
}

async function chosen(world: World, doc: SetupDoc, method: string, returnUrl: string | undefined) {
  const customer = typeof doc.body.customer === 'string' ? doc.body.customer : null;
  const { alias, methodId } = await methodToUse(world, method, customer);
  const fresh = withBody(doc, { payment_method: methodId, last_setup_error: null });
  return { ...fresh, card: alias, ...(returnUrl !== undefined && { returnUrl }) };
}

function newSetup(world: World, params: Params, customer: string | null): SetupDoc {
  const id = world.newId('seti');
  const created = Math.floor(world.moment().now / 1000);
  const body: Stripe.SetupIntent = {
    id,
    object: 'setup_intent',
    allowed_payment_method_types: ['card'],
    application: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${world.newId('s').slice(2)}`,
    created,
    customer,
    customer_account: null,
    description: text(params, 'description') ?? null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: metadataOf(params),
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: ['card'],
    single_use_mandate: null,
    status: 'requires_payment_method',
    usage: oneOf(params, 'usage', ['off_session', 'on_session']) ?? 'off_session',
  };
  return { _id: id, kind: 'setup_intent', created, body };
}

async function create(world: World, _id: string, params: Params): Promise<Answer> {
  const doc = newSetup(world, params, await knownCustomer(world, params));
  const events = [event('setup_intent.created', doc.body)];
  const method = text(params, 'payment_method');
  if (flag(params, 'confirm') !== true) {
    if (method !== undefined) throw invalidParam('Only together with confirm', 'payment_method');
    return { status: 200, body: doc.body, puts: [doc], events };
  }
  if (method === undefined) throw invalidParam('Missing payment method', 'payment_method');
  const ready = await chosen(world, doc, method, text(params, 'return_url'));
  const answer = confirmed(ready, world.moment());
  return { ...answer, events: [...events, ...(answer.events ?? [])] };
}

async function setupOf(world: World, id: string): Promise<SetupDoc> {
  const doc = await world.store.find('setup_intent', id);
  if (doc === undefined) throw missing('setup_intent', id, 'intent');
  return doc;
}

async function confirm(world: World, id: string, params: Params): Promise<Answer> {
  const doc = await setupOf(world, id);
  const { status } = doc.body;
  if (status === 'succeeded' || status === 'canceled') {
    const message = `You cannot confirm this SetupIntent because it has already ${status}.`;
    throw refused(message, 'setup_intent_unexpected_state', { setup_intent: doc.body });
  }
  const method = chosenMethod(params);
  if (method === undefined) throw invalidParam('Missing payment method', 'payment_method');
  const ready = await chosen(world, doc, method, text(params, 'return_url'));
  return confirmed(ready, world.moment());
}

const byPath = (id: string): string => id;

/** The saving of cards. */
export const setupEndpoints: readonly Endpoint[] = [
  {
    operation: 'setup_intents.create',
    method: 'POST',
    path: /^\/v1\/setup_intents$/,
    known: [
      'customer',
      'usage',
      'allowed_payment_method_types',
      'payment_method',
      'confirm',
      'return_url',
      'metadata',
      'description',
    ],
    run: create,
  },
  {
    operation: 'setup_intents.confirm',
    method: 'POST',
    path: /^\/v1\/setup_intents\/(seti_\w+)\/confirm$/,
    orderBy: byPath,
    known: ['payment_method', 'payment_method_data', 'return_url'],
    run: confirm,
  },
  {
    operation: 'setup_intents.retrieve',
    method: 'GET',
    path: /^\/v1\/setup_intents\/(seti_\w+)$/,
    known: ['client_secret'],
    run: async (world, id) => ({ status: 200, body: (await setupOf(world, id)).body }),
  },
];

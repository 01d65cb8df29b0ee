import type Stripe from 'stripe';
import { aliasOf, cardOf, methodIdOf } from '#adapters/payments/simulator/cards.ts';
import type { Endpoint } from '#adapters/payments/simulator/endpoint.ts';
import { missing, refused } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import { savedMethod } from '#adapters/payments/simulator/intents.ts';
import { listOf } from '#adapters/payments/simulator/lists.ts';
import { aliasOfCard, knownCustomer, methodToUse } from '#adapters/payments/simulator/methods.ts';
import type { Answer, CustomerDoc, MethodDoc } from '#adapters/payments/simulator/model.ts';
import { paymentMethod } from '#adapters/payments/simulator/objects.ts';
import {
  metadataOf,
  objectOf,
  oneOf,
  required,
  text,
} from '#adapters/payments/simulator/params.ts';
import { setupEndpoints } from '#adapters/payments/simulator/setups.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

async function createCustomer(world: World, _id: string, params: Params): Promise<Answer> {
  const id = world.newId('cus', 14);
  const created = Math.floor(world.moment().now / 1000);
  const body = {
    id,
    object: 'customer',
    address: null,
    balance: 0,
    created,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: text(params, 'description') ?? null,
    discount: null,
    email: text(params, 'email') ?? null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: metadataOf(params),
    name: text(params, 'name') ?? null,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  } satisfies Stripe.Customer as Stripe.Customer;
  const doc: CustomerDoc = { _id: id, kind: 'customer', created, body };
  return { status: 200, body, puts: [doc], events: [{ type: 'customer.created', object: body }] };
}

/** `POST /v1/payment_methods`: what a browser makes of a card form. */
async function createMethod(world: World, _id: string, params: Params): Promise<Answer> {
  required(oneOf(params, 'type', ['card']), 'type');
  const alias = aliasOfCard(objectOf(params, 'card'));
  const id = methodIdOf(alias, world.newId('pm'));
  const created = Math.floor(world.moment().now / 1000);
  const body = paymentMethod(id, cardOf(alias), created);
  const doc: MethodDoc = { _id: id, kind: 'payment_method', created, body, card: alias };
  return { status: 200, body, puts: [doc] };
}

async function methodOf(world: World, id: string): Promise<MethodDoc> {
  const doc = await world.store.find('payment_method', id);
  if (doc === undefined) throw missing('PaymentMethod', id, 'payment_method');
  return doc;
}

async function retrieveMethod(world: World, id: string): Promise<Answer> {
  const kept = await world.store.find('payment_method', id);
  if (kept !== undefined) return { status: 200, body: kept.body };
  const alias = aliasOf(id);
  if (alias === undefined) throw missing('PaymentMethod', id, 'payment_method');
  return { status: 200, body: paymentMethod(id, cardOf(alias), 0) };
}

async function attach(world: World, id: string, params: Params): Promise<Answer> {
  const customer = required(await knownCustomer(world, params), 'customer');
  const { alias, methodId } = await methodToUse(world, id, customer);
  const { decline, savable } = cardOf(alias);
  if (decline !== undefined && !savable) {
    const { declineCode, ...rest } = decline;
    const error = {
      type: 'card_error',
      ...rest,
      ...(declineCode && { decline_code: declineCode }),
    };
    return { status: 402, body: { error } };
  }
  const created = Math.floor(world.moment().now / 1000);
  const doc = savedMethod(methodId, alias, customer ?? '', created);
  const events = [{ type: 'payment_method.attached', object: doc.body }];
  return { status: 200, body: doc.body, puts: [doc], events };
}

async function detach(world: World, id: string): Promise<Answer> {
  const doc = await methodOf(world, id);
  if (doc.body.customer === null) {
    throw refused(
      'The payment method you provided is not attached to a customer so detachment is impossible.',
    );
  }
  const gone: MethodDoc = { ...doc, body: { ...doc.body, customer: null }, detached: true };
  const events = [{ type: 'payment_method.detached', object: gone.body }];
  return { status: 200, body: gone.body, puts: [gone], events };
}

const byPath = (id: string): string => id;
const pages = ['limit', 'starting_after', 'ending_before'];

/** Customers and what is saved for them. */
export const walletEndpoints: readonly Endpoint[] = [
  {
    operation: 'customers.create',
    method: 'POST',
    path: /^\/v1\/customers$/,
    known: ['email', 'name', 'description', 'metadata'],
    run: createCustomer,
  },
  {
    operation: 'customers.payment_methods',
    method: 'GET',
    path: /^\/v1\/customers\/(cus_\w+)\/payment_methods$/,
    known: [...pages, 'type'],
    run: async (world, customer, params) => {
      if ((await world.store.find('customer', customer)) === undefined) {
        throw missing('customer', customer, 'customer');
      }
      oneOf(params, 'type', ['card']);
      const { type: _, ...range } = params;
      return listOf(world, 'payment_method', { ...range, customer });
    },
  },
  {
    operation: 'payment_methods.create',
    method: 'POST',
    path: /^\/v1\/payment_methods$/,
    known: ['type', 'card', 'billing_details', 'metadata'],
    run: createMethod,
  },
  {
    operation: 'payment_methods.retrieve',
    method: 'GET',
    path: /^\/v1\/payment_methods\/(pm_\w+)$/,
    known: [],
    run: retrieveMethod,
  },
  {
    operation: 'payment_methods.attach',
    method: 'POST',
    path: /^\/v1\/payment_methods\/(pm_\w+)\/attach$/,
    orderBy: byPath,
    known: ['customer'],
    run: attach,
  },
  {
    operation: 'payment_methods.detach',
    method: 'POST',
    path: /^\/v1\/payment_methods\/(pm_\w+)\/detach$/,
    orderBy: byPath,
    known: [],
    run: detach,
  },
  ...setupEndpoints,
];

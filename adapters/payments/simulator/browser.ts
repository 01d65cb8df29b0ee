import { ApiError, invalidParam } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import { required, text } from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

/** What a publishable key may do with the client secret of an intent, and without one. */
const withSecret: ReadonlySet<string> = new Set([
  'payment_intents.confirm',
  'payment_intents.retrieve',
  'setup_intents.confirm',
  'setup_intents.retrieve',
]);
const open: ReadonlySet<string> = new Set(['payment_methods.create']);

/** Parameters that Stripe's script adds and that mean nothing here. */
const ofTheScript: ReadonlySet<string> = new Set([
  'key',
  'client_secret',
  'use_stripe_sdk',
  'expected_payment_method_type',
  'payment_user_agent',
  'client_attribution_metadata',
  'guid',
  'muid',
  'sid',
  'pasted_fields',
  'time_on_page',
  'referrer',
]);

export const isPublishable = (key: string): boolean => key.startsWith('pk_');

/** What is left of a browser's parameters once the script's own are taken out. */
export function browserParams(operation: string, params: Params): Params {
  if (!withSecret.has(operation) && !open.has(operation)) {
    const message = 'This API call cannot be made with a publishable API key.';
    throw new ApiError(403, { type: 'invalid_request_error', message }, false);
  }
  return Object.fromEntries(Object.entries(params).filter(([name]) => !ofTheScript.has(name)));
}

/** Refuses a browser that does not know the secret of the intent that it asks about. */
export async function assertSecret(world: World, id: string, operation: string, params: Params) {
  if (!withSecret.has(operation)) return;
  const secret = required(text(params, 'client_secret'), 'client_secret');
  const kind = operation.startsWith('setup') ? 'setup_intent' : 'payment_intent';
  const doc = await world.store.find(kind, id);
  if (doc?.body.client_secret === secret) return;
  const message =
    'The client_secret provided does not match any associated intent on this account.';
  throw invalidParam(message, 'client_secret', 'resource_missing');
}

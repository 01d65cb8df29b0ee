import type { Filter } from 'mongodb';
import { invalidParam, missing } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import type { Answer, Doc } from '#adapters/payments/simulator/model.ts';
import {
  createdRange,
  flag,
  integer,
  required,
  text,
  texts,
} from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

type Listed = 'payment_intent' | 'refund' | 'event' | 'payment_method' | 'dispute';

const urls = {
  payment_intent: 'payment_intents',
  refund: 'refunds',
  event: 'events',
  payment_method: 'payment_methods',
  dispute: 'disputes',
} as const;

function limitOf(params: Params): number {
  const limit = integer(params, 'limit') ?? 10;
  if (limit >= 1 && limit <= 100) return limit;
  throw invalidParam('This value must be between 1 and 100.', 'limit');
}

const shown = (doc: Doc): object =>
  doc.kind === 'event' ? JSON.parse(doc.payload) : 'body' in doc ? doc.body : doc;

/** `GET` of a collection: newest first, `starting_after` an id, filtered by time and owner. */
export async function listOf(world: World, kind: Listed, params: Params): Promise<Answer> {
  const limit = limitOf(params);
  if (params.ending_before !== undefined) {
    throw invalidParam('The simulator lists forwards only', 'ending_before');
  }
  const conditions: Filter<Doc>[] = [];
  const created = createdRange(params);
  if (created !== undefined) conditions.push({ created } as Filter<Doc>);
  for (const name of ['payment_intent', 'charge', 'customer']) {
    const value = text(params, name);
    if (value !== undefined) conditions.push({ [`body.${name}`]: value } as Filter<Doc>);
  }
  const type = text(params, 'type');
  if (type !== undefined) conditions.push({ type } as Filter<Doc>);
  const types = texts(params, 'types');
  if (types.length > 20) throw invalidParam('At most 20 types', 'types');
  if (types.length > 0) conditions.push({ type: { $in: types } } as Filter<Doc>);
  const delivered = flag(params, 'delivery_success');
  if (delivered !== undefined) {
    const state = delivered ? 'delivered' : { $in: ['pending', 'lost', 'given-up'] };
    conditions.push({ delivery: state } as Filter<Doc>);
  }
  const after = text(params, 'starting_after');
  if (after !== undefined) {
    const last = await world.store.find(kind, after);
    if (last === undefined) throw missing(kind, after, 'starting_after', 400);
    const { created: second } = last;
    conditions.push({
      $or: [{ created: { $lt: second } }, { created: second, _id: { $lt: after } }],
    } as Filter<Doc>);
  }
  const filter: Filter<Doc> = conditions.length === 0 ? {} : { $and: conditions };
  const found = await world.store.query(kind, filter, { limit: limit + 1 });
  const data = found.slice(0, limit).map(shown);
  const body = { object: 'list', data, has_more: found.length > limit, url: `/v1/${urls[kind]}` };
  return { status: 200, body };
}

const clause = /^metadata\['([^']{1,40})'\]:'([^']{1,500})'$/;

/**
 * `GET /v1/payment_intents/search` for one `metadata['key']:'value'`. Lags behind by
 * `searchLagMs`, since Stripe's search does not see young objects either.
 */
export async function searchIntents(world: World, params: Params): Promise<Answer> {
  const query = required(text(params, 'query'), 'query');
  const found = clause.exec(query);
  if (found === null) throw invalidParam(`We were unable to parse your query: ${query}`, 'query');
  const [, key = '', value = ''] = found;
  const seenUntil = Math.floor((world.clock.now() - world.plan.faults.searchLagMs) / 1000);
  const docs = await world.store.query(
    'payment_intent',
    { [`body.metadata.${key}`]: value, created: { $lte: seenUntil } } as Filter<Doc>,
    { limit: limitOf(params) },
  );
  const url = '/v1/payment_intents/search';
  const data = docs.map(shown);
  return {
    status: 200,
    body: { object: 'search_result', data, has_more: false, next_page: null, url },
  };
}

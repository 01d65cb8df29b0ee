import { parse } from 'node:querystring';
import { parseParams } from '#broker/params.ts';
import type { FieldError } from '#domain/errors.ts';
import { readJson, readText } from '#services/api/body.ts';
import type { Exchange } from '#services/api/exchange.ts';
import type { Operation } from '#services/api/operation.ts';

const queryFieldsMax = 100;

/** What an action is called with: as it was sent, and as its contract reads it. */
export type RequestParams = { readonly raw: object; readonly parsed: unknown };

/**
 * Merges path, query and body into the params of an action and holds them to its contract. A field
 * that comes from the wrong place counts as unknown. Throws the errors of `body.ts` and
 * `invalid-request`.
 */
export async function requestParams(
  operation: Operation,
  exchange: Exchange,
  path: Readonly<Record<string, string>>,
  bodyBytesMax: number,
): Promise<RequestParams> {
  const unknown: FieldError[] = [];
  const raw: Record<string, unknown> = {};
  const take = (field: string, value: unknown, welcome: boolean): void => {
    if (welcome && field !== '__proto__') raw[field] = value;
    else unknown.push({ path: field, message: 'unknown field' });
  };

  if (exchange.query !== '') {
    const query = parse(exchange.query, '&', '=', { maxKeys: queryFieldsMax });
    for (const field in query) take(field, query[field], operation.queryFields.has(field));
  }
  if (operation.http.rawBody !== undefined) {
    raw.body = await readText(exchange.request, bodyBytesMax);
    raw.headers = pickHeaders(exchange, operation.http.rawBody.headers);
  } else if (operation.takesBody) {
    const body = await readJson(exchange.request, bodyBytesMax);
    for (const field in body) {
      take(field, body[field], !operation.queryFields.has(field) && path[field] === undefined);
    }
  }
  Object.assign(raw, path);
  return { raw, parsed: parseParams(operation.contract, raw, unknown) };
}

function pickHeaders({ request }: Exchange, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = request.headers[name];
    if (typeof value === 'string') picked[name] = value;
  }
  return picked;
}

import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv, type ValidateFunction } from 'ajv';
import { decodeForm, type Params } from '#adapters/payments/simulator/form.ts';

type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: object;
};
type Operation = {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: object;
  readonly answer: object;
};
type Extract = {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly $defs: Readonly<Record<string, object>>;
};

const extract: Extract = JSON.parse(readFileSync('test/fixtures/stripe-api.json', 'utf8'));

const settings = { strict: false, allErrors: true, logger: false } as const;
/** Form parameters are texts; what they are texts of is for the schema to say. */
const forms = new Ajv({ ...settings, coerceTypes: true });
const objects = new Ajv(settings);

const compiled = (ajv: Ajv, schema: object): ValidateFunction =>
  ajv.compile({ ...schema, $defs: extract.$defs });

const errorOf = ({ errors }: ValidateFunction): string => objects.errorsText(errors);

type Check = {
  readonly name: string;
  readonly method: string;
  readonly pattern: RegExp;
  readonly request: ValidateFunction;
  readonly answer: ValidateFunction;
};

const checks: readonly Check[] = Object.entries(extract.operations).map(([name, operation]) => {
  const queried = operation.parameters.filter((parameter) => parameter.in === 'query');
  const query = {
    type: 'object',
    properties: Object.fromEntries(queried.map((p) => [p.name, p.schema])),
    required: queried.filter((p) => p.required).map((p) => p.name),
    additionalProperties: false,
  };
  return {
    name,
    method: operation.method.toUpperCase(),
    pattern: new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '\\w+')}$`),
    request: compiled(forms, operation.method === 'get' ? query : operation.body),
    answer: compiled(objects, operation.answer),
  };
});
const refusal = compiled(objects, { $ref: '#/$defs/error' });
const shapes = new Map(
  Object.keys(extract.$defs).map((name) => [name, compiled(objects, { $ref: `#/$defs/${name}` })]),
);

type EventLike = {
  readonly object: 'event';
  readonly data: { readonly object: { object: string } };
};
const isEvent = (body: object): body is EventLike => 'object' in body && body.object === 'event';

/** What an event is about must fit the schema of its kind. */
function problemsOfEvents(body: object): string[] {
  if ('data' in body && Array.isArray(body.data)) return body.data.flatMap(problemsOfEvents);
  if (!isEvent(body)) return [];
  const { object: about } = body.data;
  const { object: kind } = about;
  const shape = shapes.get(kind);
  if (shape === undefined) return [`an event about ${kind}`];
  return shape(about) ? [] : [`an event's ${kind}: ${errorOf(shape)}`];
}

/** Where the literal path is known, `search` is no id. */
const checkOf = (method: string, path: string): Check | undefined =>
  checks
    .filter((check) => check.method === method && check.pattern.test(path))
    .toSorted((a, b) => a.pattern.source.length - b.pattern.source.length)
    .findLast(({ name }) => name.endsWith('search') === path.endsWith('/search'));

/** What is wrong with a request and its answer by Stripe's own description of its API. */
export function problemsOf(exchange: {
  readonly method: string;
  readonly url: string;
  readonly form: string;
  readonly status: number;
  readonly answer: string;
}): { readonly operation: string; readonly problems: readonly string[] } {
  const { method, form, status } = exchange;
  const { pathname, search } = new URL(exchange.url, 'http://stripe');
  const check = checkOf(method, pathname);
  if (check === undefined) return { operation: '', problems: [`${method} ${pathname} unknown`] };
  const params: Params | undefined = decodeForm(method === 'GET' ? search.slice(1) : form);
  const problems: string[] = [];
  if (params === undefined) problems.push('the form cannot be read');
  else if (!check.request(params)) problems.push(`request: ${errorOf(check.request)}`);
  const body: object = JSON.parse(exchange.answer);
  const shape = status === 200 ? check.answer : refusal;
  if (!shape(body)) problems.push(`answer ${status}: ${errorOf(shape)}`);
  if (status === 200) problems.push(...problemsOfEvents(body));
  return { operation: check.name, problems: problems.map((text) => `${check.name}: ${text}`) };
}

export type Witness = {
  readonly url: string;
  /** Names of the operations that were seen. */
  readonly seen: ReadonlySet<string>;
  readonly problems: ReadonlySet<string>;
  stop(): Promise<void>;
};

/** Stands between a client and `target`, and holds both to Stripe's description of its API. */
export async function startWitness(target: string): Promise<Witness> {
  const seen = new Set<string>();
  const problems = new Set<string>();
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const form = Buffer.concat(parts).toString('utf8');
    const { method = 'GET', url = '/' } = request;
    const { host: _, 'content-length': __, connection: ___, ...headers } = request.headers;
    const answered = await fetch(new URL(url, target), {
      method,
      headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
      ...(method === 'POST' && { body: form }),
    });
    const { status } = answered;
    const answer = await answered.text();
    const found = problemsOf({ method, url, form, status, answer });
    seen.add(found.operation);
    for (const problem of found.problems) problems.add(problem);
    const { 'content-length': ____, ...kept } = Object.fromEntries(answered.headers);
    response.writeHead(status, kept).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    problems,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

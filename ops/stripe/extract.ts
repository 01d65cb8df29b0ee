import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/*
 * Makes test/fixtures/stripe-api.json: what Stripe's OpenAPI document says about the requests that
 * Usher makes, and about the objects that they answer. The document comes with the Go module
 * github.com/stripe/stripe-mock (MIT licence), in its folder embedded/openapi:
 *   go mod download -json github.com/stripe/stripe-mock@<version>
 *   npm run stripe:extract -- --spec <folder>/embedded/openapi/spec3.json --from "<version>"
 * Texts are left out, and so is what the requests never use.
 */
const usage =
  'npm run stripe:extract -- --spec <spec3.json> --from <where it is from> [--to <file>]';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

const operations: Readonly<Record<string, string>> = {
  'customers.create': 'post /v1/customers',
  'customers.payment_methods': 'get /v1/customers/{customer}/payment_methods',
  'disputes.list': 'get /v1/disputes',
  'disputes.retrieve': 'get /v1/disputes/{dispute}',
  'events.list': 'get /v1/events',
  'events.retrieve': 'get /v1/events/{id}',
  'payment_intents.cancel': 'post /v1/payment_intents/{intent}/cancel',
  'payment_intents.capture': 'post /v1/payment_intents/{intent}/capture',
  'payment_intents.confirm': 'post /v1/payment_intents/{intent}/confirm',
  'payment_intents.create': 'post /v1/payment_intents',
  'payment_intents.list': 'get /v1/payment_intents',
  'payment_intents.retrieve': 'get /v1/payment_intents/{intent}',
  'payment_intents.search': 'get /v1/payment_intents/search',
  'payment_methods.detach': 'post /v1/payment_methods/{payment_method}/detach',
  'payment_methods.retrieve': 'get /v1/payment_methods/{payment_method}',
  'refunds.create': 'post /v1/refunds',
  'refunds.list': 'get /v1/refunds',
  'refunds.retrieve': 'get /v1/refunds/{refund}',
  'setup_intents.create': 'post /v1/setup_intents',
};

/** Objects whose schemas are kept; of what they refer to, only the small parts (`partMax`). */
const objects = [
  'charge',
  'customer',
  'dispute',
  'error',
  'event',
  'payment_intent',
  'payment_method',
  'refund',
  'setup_intent',
];
const partMax = 1_500;
/** Parameters as large as this are for other ways of paying: not known to the extract. */
const paramMax = 3_000;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

const at = (value: Json | undefined, ...path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((node, name) => (isObject(node) ? node[name] : undefined), value);

const isText = (name: string, value: Json): boolean =>
  name.startsWith('x-') ||
  name === 'title' ||
  (name === 'description' && typeof value === 'string');

/** The schema without texts, and with `nullable` as JSON Schema spells it. */
function plain(node: Json): Json {
  if (isList(node)) return node.map(plain);
  if (!isObject(node)) return node;
  const { nullable, ...rest } = node;
  const kept = Object.entries(rest).filter(([name, value]) => !isText(name, value));
  const schema: JsonObject = Object.fromEntries(kept.map(([name, value]) => [name, plain(value)]));
  if (nullable !== true) return schema;
  return { anyOf: [schema, { type: 'null' }] };
}

const refPrefix = '#/components/schemas/';

/** The names of the schemas that a schema refers to. */
function refsIn(node: Json): string[] {
  if (isList(node)) return node.flatMap(refsIn);
  if (!isObject(node)) return [];
  const { $ref } = node;
  const own = typeof $ref === 'string' ? [$ref.replace(refPrefix, '')] : [];
  return [...own, ...Object.values(node).flatMap(refsIn)];
}

/** Refers to what is kept; anything fits where something is not. */
function reduced(node: Json, kept: ReadonlySet<string>): Json {
  if (isList(node)) return node.map((item) => reduced(item, kept));
  if (!isObject(node)) return node;
  const { $ref } = node;
  if (typeof $ref === 'string') {
    const name = $ref.replace(refPrefix, '');
    return kept.has(name) ? { $ref: `#/$defs/${name}` } : {};
  }
  const entries = Object.entries(node).map(([name, value]) => [name, reduced(value, kept)]);
  return Object.fromEntries(entries);
}

const sizeOf = (node: Json): number => JSON.stringify(node).length;

function requestOf(spec: Json, operation: string): JsonObject {
  const [method = '', path = ''] = operation.split(' ');
  const found = at(spec, 'paths', path, method);
  if (found === undefined) throw new Error(`the document does not know ${operation}`);
  const listed = at(found, 'parameters') ?? [];
  const parameters = (isList(listed) ? listed : []).map((parameter) => ({
    name: at(parameter, 'name') ?? '',
    in: at(parameter, 'in') ?? '',
    required: at(parameter, 'required') ?? false,
    schema: plain(at(parameter, 'schema') ?? {}),
  }));
  const content = ['requestBody', 'content', 'application/x-www-form-urlencoded', 'schema'];
  const body = plain(at(found, ...content) ?? {});
  const properties = Object.entries((at(body, 'properties') as JsonObject | undefined) ?? {});
  const small = properties.filter(([, schema]) => sizeOf(schema) <= paramMax);
  const answer = ['responses', '200', 'content', 'application/json', 'schema'];
  return {
    method,
    path,
    parameters,
    body: {
      type: 'object',
      properties: Object.fromEntries(small),
      required: at(body, 'required') ?? [],
      additionalProperties: false,
    },
    answer: plain(at(found, ...answer) ?? {}),
  };
}

function main(): void {
  const { values } = parseArgs({
    options: {
      spec: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string', default: 'test/fixtures/stripe-api.json' },
    },
  });
  if (values.spec === undefined || values.from === undefined) throw new Error(usage);
  const spec: Json = JSON.parse(readFileSync(values.spec, 'utf8'));
  const schemaOf = (name: string): Json => plain(at(spec, 'components', 'schemas', name) ?? {});
  const parts = new Set(objects.flatMap((name) => refsIn(schemaOf(name))));
  const small = [...parts].filter((name) => sizeOf(schemaOf(name)) <= partMax);
  const kept = new Set([...objects, ...small].toSorted());
  const line = ([name, value]: readonly [string, Json]): string =>
    `    ${JSON.stringify(name)}: ${JSON.stringify(reduced(value, kept))}`;
  const requests = Object.entries(operations).map(
    ([name, operation]) => [name, requestOf(spec, operation)] as const,
  );
  const definitions = [...kept].map((name) => [name, schemaOf(name)] as const);
  const text = `{
  "from": ${JSON.stringify(values.from)},
  "apiVersion": ${JSON.stringify(at(spec, 'info', 'version') ?? '')},
  "operations": {
${requests.map(line).join(',\n')}
  },
  "$defs": {
${definitions.map(line).join(',\n')}
  }
}
`;
  writeFileSync(values.to, text);
  console.log(`${values.to}: ${requests.length} requests, ${kept.size} schemas`);
}

main();

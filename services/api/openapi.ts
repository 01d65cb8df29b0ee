import type { ServiceContract } from '#contracts/contract.ts';
import { type ErrorCode, errorRegistry } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { codesOf, innerCodes, type Operation, operationsOf } from '#services/api/operation.ts';
import { fieldsOf, type JsonSchema, schemaOf, without } from '#services/api/schemas.ts';

type Json = Record<string, unknown>;

/** Of the API, not of the software: `/v1` grows without breaking its callers. */
const apiVersion = '1.0';

/** The OpenAPI 3.1 document of every action with an HTTP mapping. */
export function openApiDocument(services: readonly ServiceContract[], limits: Limits): Json {
  const operations = operationsOf(services);
  const paths: Record<string, Json> = {};
  const schemas: Record<string, JsonSchema> = { Problem: problemSchema() };
  for (const operation of operations) {
    const described = describe(operation, schemas, limits);
    const { path, method } = operation.http;
    paths[path] = { ...paths[path], [method.toLowerCase()]: described };
  }
  const tags = [...new Set(operations.map(({ http }) => http.tag))].sort();
  return {
    openapi: '3.1.0',
    info: {
      title: 'Usher',
      version: apiVersion,
      description:
        'Find an event, see its seats, reserve, pay, be confirmed. Errors are RFC 9457 problem ' +
        'documents; their codes are listed at /problems.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Access token of /v1/auth/login' },
      },
    },
  };
}

function describe(operation: Operation, schemas: Record<string, JsonSchema>, limits: Limits): Json {
  const { action, contract, http } = operation;
  const input = schemaOf(contract.params, 'input');
  const name = componentName(action);
  const body = bodySchema(operation, input);
  if (body !== undefined) schemas[`${name}Request`] = body;
  return {
    operationId: action.replaceAll('.', '_'),
    summary: contract.summary,
    tags: [http.tag],
    ...(http.access === 'public' ? {} : { security: [{ bearer: [] }] }),
    ...(parametersOf(operation, input, limits) ?? {}),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: ((body.required ?? []) as unknown[]).length > 0,
            content: { 'application/json': { schema: reference(`${name}Request`) } },
          },
        }),
    responses: responsesOf(operation, name, schemas),
  };
}

/** `reservations.reserve` → `ReservationsReserve`. */
const componentName = (action: string): string =>
  action
    .split('.')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

function bodySchema(operation: Operation, input: JsonSchema): JsonSchema | undefined {
  if (!operation.takesBody) return undefined;
  if (operation.http.rawBody !== undefined) {
    return { type: 'object', description: 'Passed on as it is, with the signature over it' };
  }
  const elsewhere = new Set([...operation.pathFields, ...operation.queryFields]);
  const body = without(input, elsewhere);
  return Object.keys(fieldsOf(body).properties).length === 0 ? undefined : body;
}

function parametersOf(
  operation: Operation,
  input: JsonSchema,
  limits: Limits,
): { parameters: Json[] } | undefined {
  const { properties, required } = fieldsOf(input);
  const parameter = (place: 'path' | 'query', name: string): Json => {
    const schema = properties[name];
    if (schema === undefined) throw new Error(`${operation.action} has no param ${name}`);
    return { name, in: place, required: place === 'path' || required.has(name), schema };
  };
  const parameters = [
    ...operation.pathFields.map((name) => parameter('path', name)),
    ...[...operation.queryFields].map((name) => parameter('query', name)),
    ...headersOf(operation, limits),
  ];
  return parameters.length === 0 ? undefined : { parameters };
}

function headersOf({ http }: Operation, limits: Limits): Json[] {
  const header = (name: string, required: boolean, description: string, schema: Json): Json => ({
    name,
    in: 'header',
    required,
    description,
    schema,
  });
  const key = { type: 'string', minLength: 1, maxLength: limits.idempotencyKeyCharsMax };
  return [
    ...(http.idempotency === undefined
      ? []
      : [
          header(
            'Idempotency-Key',
            http.idempotency === 'required',
            'The same key and body give the first success again',
            key,
          ),
        ]),
    ...(http.shownBy === undefined
      ? []
      : [
          header('Prefer', false, `\`wait=N\`: answers when the work has ended (RFC 7240)`, {
            type: 'string',
          }),
        ]),
    ...(http.rawBody?.headers ?? []).map((name) =>
      header(name, true, 'Signature over the body', { type: 'string' }),
    ),
  ];
}

function responsesOf(
  operation: Operation,
  name: string,
  schemas: Record<string, JsonSchema>,
): Json {
  const { contract, http } = operation;
  const responses: Json = {};
  if (http.success === 204) responses['204'] = { description: 'Done' };
  else
    responses[http.success] = {
      description: 'Success',
      content: content(operation, name, schemas),
    };
  if (http.shownBy !== undefined) {
    responses['200'] = {
      description: 'With `Prefer: wait=N`: what has become of it, after N seconds at the latest',
      content: { 'application/json': { schema: reference(componentName(http.shownBy.action)) } },
    };
  }
  for (const [status, description] of Object.entries(http.otherStatuses ?? {})) {
    responses[status] = { description };
  }
  if (http.method === 'GET' && http.success === 200 && !operation.stream) {
    responses['304'] ??= { description: 'The client has it already (If-None-Match)' };
  }
  const byStatus = Map.groupBy(codesOf(operation), (code) => errorRegistry[code].status);
  for (const [status, codes] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[status] = problemResponse(codes);
  }
  return contract.http === undefined ? {} : responses;
}

function content(operation: Operation, name: string, schemas: Record<string, JsonSchema>): Json {
  const { mediaType } = operation.http;
  if (mediaType === 'application/json') return { [mediaType]: { schema: {} } };
  if (mediaType !== undefined) return { [mediaType]: { schema: { type: 'string' } } };
  schemas[name] = schemaOf(operation.contract.result, 'output');
  return { 'application/json': { schema: reference(name) } };
}

const problemResponse = (codes: readonly ErrorCode[]): Json => ({
  description: codes.map((code) => `\`${code}\`: ${errorRegistry[code].title}`).join('\n\n'),
  content: {
    'application/problem+json': {
      schema: {
        allOf: [reference('Problem'), { properties: { code: { enum: [...codes].sort() } } }],
      },
    },
  },
});

function problemSchema(): JsonSchema {
  const text = { type: 'string' };
  const fieldError = {
    type: 'object',
    properties: { path: text, message: text },
    required: ['path', 'message'],
  };
  return {
    type: 'object',
    description: 'RFC 9457; an error may carry data of its own besides these',
    properties: {
      type: { type: 'string', format: 'uri-reference', description: 'Where the code is explained' },
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: { type: 'string', enum: publicCodes() },
      requestId: text,
      errors: { type: 'array', items: fieldError, description: 'Mistakes in single fields' },
    },
    required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  };
}

const publicCodes = (): ErrorCode[] =>
  (Object.keys(errorRegistry) as ErrorCode[]).filter((code) => !innerCodes.has(code)).sort();

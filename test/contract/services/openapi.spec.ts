import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { contracts } from '#contracts/index.ts';
import { errorRegistry } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { openApiDocument } from '#services/api/openapi.ts';
import { codesOf, operationsOf } from '#services/api/operation.ts';
import { toysContract } from '#test/support/toys.ts';

// biome-ignore lint/suspicious/noExplicitAny: the document is walked as it is
type Any = any;

describe.each([
  ['of the system', contracts],
  ['of the toys', [toysContract]],
])('the OpenAPI document %s', (_name, services) => {
  const document: Any = JSON.parse(JSON.stringify(openApiDocument(services, limits)));
  const operations = operationsOf(services);

  it('is valid against the OpenAPI 3.1 schema', async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
  });

  it('has an operation for every HTTP mapping and no other', () => {
    const stated = operations.map(({ http }) => `${http.method} ${http.path}`).sort();
    const shown = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(shown.sort()).toEqual(stated);
  });

  it('answers every reference', () => {
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(document.components.schemas).toHaveProperty(name ?? '');
    }
  });

  it('describes every path field, and takes no field from two places', () => {
    for (const { http, action } of operations) {
      const operation = document.paths[http.path][http.method.toLowerCase()];
      const parameters: Any[] = operation.parameters ?? [];
      const path = parameters.filter((p) => p.in === 'path').map((p) => p.name);
      expect([action, path]).toEqual([
        action,
        [...http.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]),
      ]);
      for (const parameter of parameters) expect(Object.keys(parameter.schema)).not.toHaveLength(0);
    }
  });

  it('names every code an operation may answer with under its status', () => {
    for (const operation of operations) {
      const { responses } =
        document.paths[operation.http.path][operation.http.method.toLowerCase()];
      for (const code of codesOf(operation)) {
        expect(responses[errorRegistry[code].status].description).toContain(`\`${code}\``);
      }
    }
  });
});

describe('one operation', () => {
  const document: Any = openApiDocument([toysContract], limits);

  it('shows path and query as parameters and leaves them out of the body', () => {
    const read = document.paths['/v1/toys/{id}'].get;
    expect(read.parameters).toMatchObject([
      { name: 'id', in: 'path', required: true, schema: { maxLength: 30 } },
      { name: 'size', in: 'query', required: false },
    ]);
    expect(read.requestBody).toBeUndefined();
    expect(document.components.schemas.ToysMakeRequest.properties).toEqual({
      name: { type: 'string', minLength: 1 },
      parts: expect.objectContaining({ type: 'array' }),
    });
  });

  it('shows who may call, the key it needs and the success it answers', () => {
    const make = document.paths['/v1/toys'].post;
    expect(make.security).toEqual([{ bearer: [] }]);
    expect(make.parameters).toMatchObject([{ name: 'Idempotency-Key', required: true }]);
    expect(Object.keys(make.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '413', '415', '422', '500', '503']),
    );
    expect(document.paths['/v1/toys/{id}'].get.security).toBeUndefined();
  });
});

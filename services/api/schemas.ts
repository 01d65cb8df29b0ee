import { z } from 'zod';

/** A JSON Schema (2020-12) as it stands in an OpenAPI 3.1 document. */
export type JsonSchema = { readonly [key: string]: unknown };

type Objectish = {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: ReadonlySet<string>;
};

/** The schema of what an action takes (`input`) or answers (`output`). */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    // A value that only code can check is shown as anything.
    unrepresentable: 'any',
  });
  return rest as JsonSchema;
}

/** Properties and required names of an object schema; of a union, of all its branches together. */
export function fieldsOf(schema: JsonSchema): Objectish {
  const branches = branchesOf(schema);
  if (branches === undefined) {
    const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
    return { properties, required: new Set((schema.required ?? []) as string[]) };
  }
  const parts = branches.map(fieldsOf);
  const properties = Object.assign({}, ...parts.map((part) => part.properties));
  const everywhere = Object.keys(properties).filter((field) =>
    parts.every((part) => part.required.has(field)),
  );
  return { properties, required: new Set(everywhere) };
}

/** The schema without these fields: what is left for the body when path and query are taken out. */
export function without(schema: JsonSchema, fields: ReadonlySet<string>): JsonSchema {
  const branches = branchesOf(schema);
  if (branches !== undefined) {
    const key = schema.anyOf === undefined ? 'oneOf' : 'anyOf';
    return { ...schema, [key]: branches.map((branch) => without(branch, fields)) };
  }
  const keep = ([name]: readonly [string, unknown]): boolean => !fields.has(name);
  const properties = Object.fromEntries(
    Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).filter(keep),
  );
  const required = ((schema.required ?? []) as string[]).filter((name) => !fields.has(name));
  const { required: _, ...rest } = schema;
  return { ...rest, properties, ...(required.length === 0 ? {} : { required }) };
}

const branchesOf = (schema: JsonSchema): readonly JsonSchema[] | undefined =>
  (schema.anyOf ?? schema.oneOf) as readonly JsonSchema[] | undefined;

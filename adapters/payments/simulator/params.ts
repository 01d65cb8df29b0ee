import { invalidParam } from '#adapters/payments/simulator/errors.ts';
import type { Params, ParamValue } from '#adapters/payments/simulator/form.ts';

const isList = (value: ParamValue): value is readonly ParamValue[] => Array.isArray(value);

/** Refuses what Stripe would refuse: a name that the endpoint does not know. */
export function onlyKnown(params: Params, known: readonly string[]): void {
  for (const name of Object.keys(params)) {
    if (!known.includes(name)) {
      throw invalidParam(`Received unknown parameter: ${name}`, name, 'parameter_unknown');
    }
  }
}

export function text(params: Params, name: string): string | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalidParam('Invalid string', name);
  if (value === '') {
    const message = `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset.`;
    throw invalidParam(message, name, 'parameter_invalid_empty');
  }
  return value;
}

export function required<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw invalidParam(`Missing required param: ${name}.`, name, 'parameter_missing');
}

export function integer(params: Params, name: string): number | undefined {
  const value = text(params, name);
  if (value === undefined) return undefined;
  if (!/^-?\d{1,12}$/.test(value)) {
    throw invalidParam(`Invalid integer: ${value}`, name, 'parameter_invalid_integer');
  }
  return Number(value);
}

export function flag(params: Params, name: string): boolean | undefined {
  const value = text(params, name);
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw invalidParam('Invalid boolean', name);
  return value === 'true';
}

/** The parameters below a name (`name[a]=b`); none where it was not given. */
export function objectOf(params: Params, name: string): Params {
  const value = params[name] ?? {};
  if (typeof value === 'string' || isList(value)) throw invalidParam('Invalid object', name);
  return value;
}

export function oneOf<const T extends string>(
  params: Params,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const value = text(params, name);
  if (value === undefined) return undefined;
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalidParam(`Invalid ${name}: must be one of ${allowed.join(', ')}`, name);
}

export function texts(params: Params, name: string): string[] {
  const value = params[name];
  if (value === undefined) return [];
  if (!isList(value)) throw invalidParam('Invalid array', name);
  return value.map((item) => {
    if (typeof item !== 'string') throw invalidParam('Invalid string', name);
    return item;
  });
}

/** `metadata[a]=b`: at most 50 keys of at most 40 characters, values of at most 500. */
export function metadataOf(params: Params): Record<string, string> {
  if (params.metadata === '') return {};
  const entries = Object.entries(objectOf(params, 'metadata'));
  if (entries.length > 50) throw invalidParam('Metadata can have at most 50 keys', 'metadata');
  const kept: Record<string, string> = {};
  for (const [key, item] of entries) {
    const param = `metadata[${key}]`;
    if (typeof item !== 'string') throw invalidParam('Invalid string', param);
    if (key.length > 40) throw invalidParam('Metadata keys have at most 40 characters', param);
    if (item.length > 500) throw invalidParam('Metadata values have at most 500 characters', param);
    if (item !== '') kept[key] = item;
  }
  return kept;
}

/** `created=1` or `created[gte]=1&created[lt]=2` as a MongoDB condition; undefined without one. */
export function createdRange(params: Params): Record<string, number> | undefined {
  const value = params.created;
  if (value === undefined) return undefined;
  if (typeof value === 'string') return { $eq: integer(params, 'created') ?? 0 };
  if (isList(value)) throw invalidParam('Invalid object', 'created');
  onlyKnown(value, ['gt', 'gte', 'lt', 'lte']);
  return Object.fromEntries(
    Object.keys(value).map((name) => [`$${name}`, integer(value, name) ?? 0]),
  );
}

import type { z } from 'zod';
import type { ActionContract } from '#contracts/contract.ts';
import { type FieldError, UsherError } from '#domain/errors.ts';

/** More mistakes than this are not listed. */
const fieldErrorsMax = 50;

/**
 * What the gateway has already parsed, by the very object it passes on: an action that runs in the
 * same process is then not parsed a second time. Nobody changes params after they were parsed.
 */
const parsedBefore = new WeakMap<object, unknown>();

/**
 * Parses an action's params. Throws `invalid-request` with `{errors: [{path, message}]}`, to which
 * `found` (mistakes the caller saw itself) is added in front.
 */
export function parseParams(
  contract: ActionContract,
  params: unknown,
  found: readonly FieldError[] = [],
): unknown {
  if (typeof params === 'object' && params !== null && found.length === 0) {
    const known = parsedBefore.get(params);
    if (known !== undefined) return known;
  }
  const result = contract.params.safeParse(params);
  if (result.success && found.length === 0) {
    if (typeof params === 'object' && params !== null) parsedBefore.set(params, result.data);
    return result.data;
  }
  const errors = [...found, ...(result.success ? [] : fieldErrors(result.error.issues))];
  throw invalidRequest(errors);
}

/** The `invalid-request` error for these mistakes. */
export function invalidRequest(errors: readonly FieldError[]): UsherError {
  const [first] = errors;
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  const detail = first === undefined ? undefined : `${where}${first.message}`;
  return new UsherError('invalid-request', detail, { errors: errors.slice(0, fieldErrorsMax) });
}

type Issue = z.core.$ZodIssue;

/** zod's issues as the API's field errors: one for each unknown field, a union's nearest branch. */
function fieldErrors(issues: readonly Issue[], base: string = ''): FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const path = joined(base, issue.path);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: joined(path, [key]), message: 'unknown field' }));
    }
    const nearest = issue.code === 'invalid_union' ? nearestBranch(issue.errors) : undefined;
    if (nearest !== undefined) return fieldErrors(nearest, path);
    return [{ path, message: issue.message }];
  });
}

/** The branch of a union with the fewest mistakes: most likely the one that was meant. */
const nearestBranch = (branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined =>
  branches
    .filter((branch) => branch.length > 0)
    .reduce<readonly Issue[] | undefined>(
      (best, branch) => (best === undefined || branch.length < best.length ? branch : best),
      undefined,
    );

const joined = (base: string, path: readonly PropertyKey[]): string =>
  [...(base === '' ? [] : [base]), ...path.map(String)].join('.').slice(0, 200);

import type { IncomingMessage } from 'node:http';
import type { Operation } from '#services/api/operation.ts';

/** A caller who prefers to wait for what becomes of a result, and what shows it. */
export type Patience = NonNullable<Operation['http']['shownBy']> & { readonly seconds: number };

const waitPreference = /(?:^|,)\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[;,]|$)/i;

/**
 * `Prefer: wait=N` (RFC 7240), at most `max` seconds. Undefined where nobody wants to wait, or the
 * operation has nothing to wait for: a preference that cannot be met is no error.
 */
export function patienceOf(
  { http: { shownBy } }: Operation,
  { headers: { prefer } }: IncomingMessage,
  max: number,
): Patience | undefined {
  if (shownBy === undefined || prefer === undefined) return undefined;
  const found = waitPreference.exec(String(prefer))?.[1];
  const seconds = Math.min(Number(found ?? 0), max);
  return seconds > 0 ? { ...shownBy, seconds } : undefined;
}

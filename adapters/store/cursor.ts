import { UsherError } from '#domain/errors.ts';

/** What a cursor names: the sort values of the last row of a page. */
export type CursorPart = string | number;

/** An opaque text for a URL. */
export const encodeCursor = (parts: readonly CursorPart[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

/**
 * The first `limit` of what was found, and the cursor of the page behind them; null when nothing
 * more was found. One row more than `limit` must be asked for. `positionOf`: a row's sort values.
 */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  positionOf: (row: T) => readonly CursorPart[],
) {
  const items = found.slice(0, limit);
  const last = found.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : encodeCursor(positionOf(last)) };
}

/** Throws `invalid-request` for a text that `encodeCursor` did not make of `count` parts. */
export function decodeCursor(cursor: string, count: number): CursorPart[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const fits =
      Array.isArray(parts) &&
      parts.length === count &&
      parts.every((part) => typeof part === 'string' || Number.isFinite(part));
    if (fits) return parts;
  } catch {
    // Not ours: refused below.
  }
  throw new UsherError('invalid-request', 'cursor: not one of ours', {
    errors: [{ path: 'cursor', message: 'must be the nextCursor of an earlier answer' }],
  });
}

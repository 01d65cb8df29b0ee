import { UsherError } from '#domain/errors.ts';

/** What a cursor names: the sort values of the last row of a page. */
export type CursorPart = string | number;

/** An opaque text for a URL. */
export const encodeCursor = (parts: readonly CursorPart[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url');

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

import { type Entry, isReadable } from '#adapters/journal/port.ts';
import { limits } from '#domain/limits.ts';

/** See `Journal.assertStorable`; one rule for every implementation. */
export function assertStorable(entry: Entry): void {
  // A character takes three bytes at most: most entries need no counting.
  const most = entry.facts.length * 3;
  const bytes = most > limits.entryBytesMax ? Buffer.byteLength(entry.facts) : most;
  if (bytes > limits.entryBytesMax) throw new Error(`an entry of ${bytes} bytes is too large`);
  if (!isReadable(entry)) throw new Error(`unknown entry format ${entry.format}`);
}

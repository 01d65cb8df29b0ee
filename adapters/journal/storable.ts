import { type Entry, entryFormat } from '#adapters/journal/port.ts';
import { limits } from '#domain/limits.ts';

/** See `Journal.assertStorable`; one rule for every implementation. */
export function assertStorable(entry: Entry): void {
  const bytes = Buffer.byteLength(entry.facts);
  if (bytes > limits.entryBytesMax) throw new Error(`an entry of ${bytes} bytes is too large`);
  if (entry.format !== entryFormat) throw new Error(`unknown entry format ${entry.format}`);
}

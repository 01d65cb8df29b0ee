import { type Entry, entryFormat, isReadable } from '#adapters/journal/port.ts';
import { factsIn } from '#domain/inventory/fact-text.ts';
import type { Fact } from '#domain/inventory/facts.ts';

/** Who writes: the same in every entry of one ownership. */
export type Writer = {
  readonly nodeId: string;
  readonly incarnation: string;
};

type Parts = {
  readonly eventId: string;
  readonly seq: number;
  readonly epoch: number;
  readonly batchId: string;
  readonly at: number;
  /** JSON texts, each of one fact or of several joined by commas. */
  readonly facts: readonly string[];
};

export const makeEntry = (writer: Writer, { facts, ...parts }: Parts): Entry => ({
  ...parts,
  node: writer.nodeId,
  incarnation: writer.incarnation,
  format: entryFormat,
  facts: `[${facts.join(',')}]`,
});

/** An entry that this version cannot read: who meets one must not own the event. */
export class UnknownFormat extends Error {}

/** The facts of an entry that has its body. */
export function factsOf(entry: Entry): readonly Fact[] {
  if (!isReadable(entry)) {
    throw new UnknownFormat(`${entry.eventId}:${entry.seq} has format ${entry.format}`);
  }
  return factsIn(entry.facts, entry);
}

/**
 * Whose event it is after its last entry: the writer, unless it was handed over; `incarnation`
 * undefined then means any life of the node. Null: nobody's.
 */
export function ownerAfter(
  head: Entry,
): { readonly nodeId: string; readonly incarnation: string | undefined } | null {
  // A hand-over is always alone in its entry, which spares parsing a large batch.
  if (head.facts.startsWith('[{"type":"handed-over"')) {
    const [fact] = factsOf(head);
    const to = fact?.type === 'handed-over' ? fact.to : null;
    return to === null ? null : { nodeId: to, incarnation: undefined };
  }
  return { nodeId: head.node, incarnation: head.incarnation };
}

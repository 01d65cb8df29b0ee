import type { Channel } from '#domain/inventory/commands.ts';
import type { Column } from '#domain/inventory/sections.ts';
import type { EventState, Hold } from '#domain/inventory/state.ts';

/** What of a list of holds a snapshot keeps as text: ids have no line breaks. */
export type HoldTexts = {
  /** One line a hold. */
  readonly ids: string;
  readonly fingerprints: string;
  /** By position in the list; most holds have none. */
  readonly pinnedBy: readonly (readonly [number, string])[];
  readonly extendedBy: readonly (readonly [number, string])[];
};

/** How many columns `packHolds` makes. */
export const holdColumns = 9;

const channels: readonly Channel[] = ['public', 'presale', 'box-office'];

/**
 * Holds for a snapshot, in their order, at about 130 bytes each: as JSON objects they would take
 * three times the room and ten times the time, in which nothing else is decided.
 */
export function packHolds(
  state: EventState,
  holds: readonly Hold[],
): { readonly texts: HoldTexts; readonly columns: readonly Column[] } {
  const size = holds.length;
  const buyer = new Uint32Array(size);
  const channel = new Uint8Array(size);
  const quote = new Uint32Array(size);
  const createdAt = new Float64Array(size);
  const deadline = new Float64Array(size);
  const pinned = new Uint8Array(size);
  const order = new Float64Array(size);
  const counts = new Uint32Array(size);
  const places: number[] = [];
  const pinnedBy: [number, string][] = [];
  const extendedBy: [number, string][] = [];
  for (const [i, hold] of holds.entries()) {
    buyer[i] = hold.buyer;
    channel[i] = channels.indexOf(hold.channel);
    quote[i] = state.sales.internQuote(hold.quote);
    createdAt[i] = hold.createdAt;
    deadline[i] = hold.deadline;
    pinned[i] = hold.pinnedOnce ? 1 : 0;
    order[i] = hold.order;
    counts[i] = hold.places.length;
    places.push(...hold.places);
    if (hold.pinnedBy !== null) pinnedBy.push([i, hold.pinnedBy]);
    if (hold.extendedBy !== null) extendedBy.push([i, hold.extendedBy]);
  }
  const ids = holds.map((hold) => hold.id).join('\n');
  const fingerprints = holds.map((hold) => hold.fingerprint).join('\n');
  const rest = [createdAt, deadline, pinned, order, counts, new Uint32Array(places)];
  return {
    texts: { ids, fingerprints, pinnedBy, extendedBy },
    columns: [buyer, channel, quote, ...rest],
  };
}

/** The holds that `packHolds` was given; buyers and quotes of `state` must be there already. */
export function unpackHolds(
  state: EventState,
  texts: HoldTexts,
  columns: readonly Column[],
): readonly Hold[] {
  const [buyer, channel, quote, createdAt, deadline, pinned, order, counts, places] = columns;
  const at = (column: Column | undefined, i: number): number => column?.[i] ?? 0;
  const ids = texts.ids === '' ? [] : texts.ids.split('\n');
  const fingerprints = texts.fingerprints.split('\n');
  const pinnedBy = new Map(texts.pinnedBy);
  const extendedBy = new Map(texts.extendedBy);
  let from = 0;
  return ids.map((id, i) => {
    const to = from + at(counts, i);
    const hold: Hold = {
      id,
      fingerprint: fingerprints[i] ?? '',
      buyerId: state.buyers.keys.idOf(at(buyer, i)),
      buyer: at(buyer, i),
      channel: channels[at(channel, i)] ?? 'public',
      places: Array.from(places?.subarray(from, to) ?? []),
      quote: state.sales.quoteNumbered(at(quote, i)),
      createdAt: at(createdAt, i),
      deadline: at(deadline, i),
      pinnedOnce: at(pinned, i) === 1,
      pinnedBy: pinnedBy.get(i) ?? null,
      extendedBy: extendedBy.get(i) ?? null,
      order: at(order, i),
      heapAt: -1,
      slot: -1,
    };
    from = to;
    return hold;
  });
}

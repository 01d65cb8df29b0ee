import type { EndedHold } from '#domain/inventory/ended.ts';
import { addLive } from '#domain/inventory/evolve.ts';
import {
  type HoldTexts,
  holdColumns,
  packHolds,
  unpackHolds,
} from '#domain/inventory/hold-columns.ts';
import { type Column, readSections, writeSections } from '#domain/inventory/sections.ts';
import { createState, type EventState, setLayouts } from '#domain/inventory/state.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import type { Quote } from '#domain/pricing.ts';

/** Raised with every change of what the bytes mean; another one is not read. */
const snapshotFormat = 2;

type Head = Pick<EventState, 'eventId' | 'seq' | 'at' | 'epoch' | 'owner' | 'version'> & {
  readonly handedTo: string | null | 'unset';
  readonly terms: Omit<Terms, 'layout'> | null;
  readonly layouts: readonly string[];
  readonly holdsMade: number;
  readonly holds: HoldTexts;
  readonly lapsed: HoldTexts;
  readonly ended: readonly (EndedHold & { readonly holdId: string })[];
  readonly quotes: readonly Quote[];
  readonly odd: Readonly<Record<'buyers' | 'bookings' | 'holds' | 'refused', OddKeys>>;
};
type OddKeys = readonly (readonly [number, string])[];

const withoutLayout = ({ layout: _, ...terms }: Terms): Omit<Terms, 'layout'> => terms;

/**
 * The whole state as bytes. Exact: states that were reached by the same facts give the same bytes,
 * and `decodeSnapshot` gives a state that decides and evolves as this one.
 */
export function encodeSnapshot(state: EventState): Uint8Array {
  const { sales, buyers } = state;
  const count = sales.size;
  const live = packHolds(state, [...state.holds.values()]);
  const lapsed = packHolds(state, [...state.lapsed.values()]);
  const head: Head = {
    eventId: state.eventId,
    seq: state.seq,
    at: state.at,
    epoch: state.epoch,
    owner: state.owner,
    version: state.version,
    handedTo: state.handedTo === undefined ? 'unset' : state.handedTo,
    terms: state.terms === undefined ? null : withoutLayout(state.terms),
    layouts: state.layouts,
    holdsMade: state.holdsMade,
    holds: live.texts,
    lapsed: lapsed.texts,
    ended: [...state.ended.entries()],
    quotes: sales.quotes,
    odd: {
      buyers: buyers.keys.odd(),
      bookings: sales.bookings.odd(),
      holds: sales.holds.odd(),
      refused: sales.refused.odd(),
    },
  };
  return writeSections(snapshotFormat, head, [
    state.status,
    // Slots of live holds are numbered anew; sales keep their numbers.
    state.owners.map((owner) => Math.min(owner, 0)),
    buyers.keys.dump(),
    sales.bookings.dump(),
    sales.holds.dump(),
    sales.refused.dump(),
    sales.buyer.slice(0, count),
    sales.quote.slice(0, count),
    sales.placesFrom.slice(0, count + 1),
    sales.places.slice(0, sales.placesFrom[count] ?? 0),
    sales.createdAt.slice(0, count),
    sales.deadline.slice(0, count),
    sales.fingerprint.slice(0, count),
    sales.reason.slice(0, sales.refused.size),
    ...live.columns,
    ...lapsed.columns,
  ]);
}

/** The state that `encodeSnapshot` wrote. Throws an Error when the bytes are none of its making. */
export function decodeSnapshot(bytes: Uint8Array): EventState {
  const { head: read, columns } = readSections(snapshotFormat, bytes);
  const head = read as Head;
  const state = createState(head.eventId);
  state.seq = head.seq;
  state.at = head.at;
  state.epoch = head.epoch;
  state.owner = head.owner;
  state.version = head.version;
  state.handedTo = head.handedTo === 'unset' ? undefined : head.handedTo;
  state.holdsMade = head.holdsMade;
  const layout = head.layouts.at(-1) ?? '';
  state.terms = head.terms === null ? undefined : { ...head.terms, layout };
  loadColumns(state, head, columns);
  const [live, lapsed] = [columns.slice(holdsFrom), columns.slice(holdsFrom + holdColumns)];
  for (const hold of unpackHolds(state, head.holds, live)) addLive(state, hold);
  for (const hold of unpackHolds(state, head.lapsed, lapsed)) state.lapsed.set(hold.id, hold);
  for (const { holdId, ...ended } of head.ended) state.ended.add(holdId, ended);
  return state;
}

/** Columns in front of those of the holds. */
const holdsFrom = 14;

function loadColumns(state: EventState, head: Head, columns: readonly Column[]): void {
  const { sales, buyers } = state;
  const words = (at: number): Uint32Array => columns[at] as Uint32Array;
  state.status = columns[0] as Uint8Array;
  state.owners = columns[1] as Int32Array;
  setLayouts(state, head.layouts);
  buyers.keys.load(words(2), head.odd.buyers);
  sales.bookings.load(words(3), head.odd.bookings);
  sales.holds.load(words(4), head.odd.holds);
  sales.refused.load(words(5), head.odd.refused);
  sales.buyer = words(6);
  sales.quote = words(7);
  sales.placesFrom = words(8);
  sales.places = words(9);
  sales.createdAt = columns[10] as Float64Array;
  sales.deadline = columns[11] as Float64Array;
  sales.fingerprint = words(12);
  sales.reason = columns[13] as Uint8Array;
  for (const quote of head.quotes) sales.internQuote(quote);
  state.buyers.countSold(sales, state.owners);
}

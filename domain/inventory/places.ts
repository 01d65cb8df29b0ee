import type { SeatRef } from '#domain/inventory/commands.ts';
import { type Layout, type LayoutArea, type LayoutSeat, unpackLayout } from '#domain/layout.ts';

/** Places of one area that follow each other in index order; the first is the area's `number`th. */
export type AreaRange = {
  readonly area: LayoutArea;
  readonly first: number;
  readonly count: number;
  readonly number: number;
};

/**
 * What is fixed about an event's places between two chart versions, by index. A drawn seat has a
 * *position* besides: seats in the order of their rows, neighbours side by side. A *run* is a
 * stretch of positions of neighbours of one category; best available looks inside runs.
 */
export type Places = {
  readonly size: number;
  readonly categories: readonly string[];
  /** Index into `categories`. */
  readonly category: Uint16Array;
  /** 1: no longer in the chart; free of a buyer it is blocked. */
  readonly removed: Uint8Array;
  readonly accessible: Uint8Array;
  readonly rank: Float64Array;
  /** Index into `rows`; meaningless in an area. */
  readonly row: Uint32Array;
  readonly rows: readonly { readonly section: string; readonly row: string }[];
  /** Seat ids and numbers; empty text in an area. */
  readonly ids: readonly string[];
  readonly numbers: readonly string[];
  readonly areas: readonly AreaRange[];
  /** Position → place. */
  readonly placeAt: Uint32Array;
  /** Position → 1 when the next position is the neighbour in the same row. */
  readonly joins: Uint8Array;
  /** Place → position, -1 in an area. */
  readonly positionOf: Int32Array;
  /** Place → run, -1 in an area and for removed seats. */
  readonly runOf: Int32Array;
  /** Run → its first position, and behind the last run the end. */
  readonly runFrom: Uint32Array;
  readonly runTo: Uint32Array;
  /** Run → lowest rank in it. */
  readonly runRank: Float64Array;
  /** All runs, the best lowest rank first. */
  readonly runsByRank: Uint32Array;
  /** Open addressing over `ids`: place + 1. */
  readonly idIndex: Int32Array;
};

type SeatRecord = { seat: LayoutSeat | undefined; category: number; removed: boolean };

const hashOf = (id: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
};

/** Merges chart versions: a known id keeps its index, a new one is added, a missing one stays. */
function merge(layouts: readonly Layout[]) {
  const records: SeatRecord[] = [];
  const areas: AreaRange[] = [];
  const categories: string[] = [];
  const known = new Map<string, number>();
  const categoryOf = (layout: Layout, category: number): number => {
    const name = layout.categories[category] ?? '';
    if (!categories.includes(name)) categories.push(name);
    return categories.indexOf(name);
  };
  for (const layout of layouts) {
    for (const record of records) record.removed = true;
    for (const seat of layout.seats) {
      const record = { seat, category: categoryOf(layout, seat.category), removed: false };
      const at = known.get(seat.id) ?? records.length;
      known.set(seat.id, at);
      records[at] = record;
    }
    for (const area of layout.areas) {
      mergeArea(area, categoryOf(layout, area.category), records, areas);
    }
  }
  return { records, areas, categories };
}

/** An area keeps the places it has; a larger count appends, a smaller one removes the last. */
function mergeArea(area: LayoutArea, category: number, records: SeatRecord[], areas: AreaRange[]) {
  let have = 0;
  for (const [i, range] of areas.entries()) {
    if (range.area.id !== area.id) continue;
    areas[i] = { ...range, area };
    for (let k = 0; k < range.count; k++) {
      const removed = range.number + k > area.count;
      records[range.first + k] = { seat: undefined, category, removed };
    }
    have += range.count;
  }
  if (area.count <= have) return;
  areas.push({ area, first: records.length, count: area.count - have, number: have + 1 });
  for (let k = have; k < area.count; k++) {
    records.push({ seat: undefined, category, removed: false });
  }
}

function indexIds(ids: readonly string[]): Int32Array {
  let length = 16;
  while (length < ids.length * 2) length *= 2;
  const index = new Int32Array(length);
  ids.forEach((id, place) => {
    if (id === '') return;
    let at = hashOf(id) & (length - 1);
    while (index[at] !== 0) at = (at + 1) & (length - 1);
    index[at] = place + 1;
  });
  return index;
}

/** Positions, joins and runs of the seats that `placeAt` puts into the order of their rows. */
function runsOf(records: readonly SeatRecord[], row: Uint32Array, placeAt: Uint32Array) {
  const joins = new Uint8Array(placeAt.length);
  const positionOf = new Int32Array(records.length).fill(-1);
  const runOf = new Int32Array(records.length).fill(-1);
  const from: number[] = [];
  const to: number[] = [];
  const ranks: number[] = [];
  let open = false;
  for (let at = 0; at < placeAt.length; at++) {
    const place = placeAt[at] as number;
    const record = records[place] as SeatRecord;
    positionOf[place] = at;
    const next = placeAt[at + 1];
    const follower = next === undefined ? undefined : records[next];
    const seat = record.seat as LayoutSeat;
    if (!record.removed) {
      if (!open) {
        from.push(at);
        to.push(at);
        ranks.push(seat.rank);
      }
      const run = from.length - 1;
      runOf[place] = run;
      to[run] = at + 1;
      ranks[run] = Math.min(ranks[run] as number, seat.rank);
    }
    const joined =
      follower?.seat !== undefined &&
      next !== undefined &&
      row[next] === row[place] &&
      follower.seat.order - seat.order === 1 &&
      !record.removed &&
      !follower.removed;
    joins[at] = joined ? 1 : 0;
    open = joined && follower.category === record.category;
  }
  const byRank = Uint32Array.from(from.keys()).sort(
    (a, b) => (ranks[a] as number) - (ranks[b] as number) || a - b,
  );
  return {
    joins,
    positionOf,
    runOf,
    runFrom: Uint32Array.from(from),
    runTo: Uint32Array.from(to),
    runRank: Float64Array.from(ranks),
    runsByRank: byRank,
  };
}

let last: { readonly layouts: readonly string[]; readonly places: Places } | undefined;

/**
 * The places of an event from all chart versions it has had, oldest first, as `packLayout` texts.
 * Throws when a text is damaged. Takes about 2 µs a place; the last result is kept, since a chart
 * that is checked is used right after.
 */
export function placesFrom(layouts: readonly string[]): Places {
  if (layouts.length === 0) return noPlaces;
  const known = last?.layouts;
  if (known?.length === layouts.length && known.every((text, i) => text === layouts[i])) {
    return last?.places ?? build(layouts);
  }
  last = { layouts: [...layouts], places: build(layouts) };
  return last.places;
}

function build(layouts: readonly string[]): Places {
  const { records, areas, categories } = merge(layouts.map(unpackLayout));
  const size = records.length;
  const texts = new Map<string, string>();
  const shared = (text: string): string => {
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  const rows: { section: string; row: string }[] = [];
  const rowIndex = new Map<string, number>();
  const row = new Uint32Array(size);
  const seats: number[] = [];
  records.forEach(({ seat }, place) => {
    if (seat === undefined) return;
    const key = JSON.stringify([seat.section, seat.row]);
    const at = rowIndex.get(key) ?? rows.length;
    if (at === rows.length) rows.push({ section: shared(seat.section), row: shared(seat.row) });
    rowIndex.set(key, at);
    row[place] = at;
    seats.push(place);
  });
  const order = (place: number): number => records[place]?.seat?.order ?? 0;
  const placeAt = Uint32Array.from(seats).sort(
    (a, b) => (row[a] as number) - (row[b] as number) || order(a) - order(b) || a - b,
  );
  const ids = records.map(({ seat }) => seat?.id ?? '');
  return {
    size,
    categories,
    category: Uint16Array.from(records, (record) => record.category),
    removed: Uint8Array.from(records, (record) => (record.removed ? 1 : 0)),
    accessible: Uint8Array.from(records, ({ seat }) => (seat?.accessible ? 1 : 0)),
    rank: Float64Array.from(records, ({ seat }) => seat?.rank ?? 0),
    row,
    rows,
    ids,
    numbers: records.map(({ seat }) => shared(seat?.number ?? '')),
    areas,
    placeAt,
    idIndex: indexIds(ids),
    ...runsOf(records, row, placeAt),
  };
}

/** Of an event that is not open yet. */
export const noPlaces = build([]);

/** The index of a seat id, or of the nth place of an area as `<area id>/<n>`; -1 when unknown. */
export function placeOf(places: Places, id: string): number {
  const mask = places.idIndex.length - 1;
  for (let at = hashOf(id) & mask; places.idIndex[at] !== 0; at = (at + 1) & mask) {
    const place = (places.idIndex[at] ?? 0) - 1;
    if (places.ids[place] === id) return place;
  }
  const slash = id.lastIndexOf('/');
  if (slash < 0 || !/^[1-9]\d*$/.test(id.slice(slash + 1))) return -1;
  const number = Number(id.slice(slash + 1));
  const range = places.areas.find(
    (r) => r.area.id === id.slice(0, slash) && number >= r.number && number < r.number + r.count,
  );
  return range === undefined ? -1 : range.first + number - range.number;
}

const areaOf = (places: Places, place: number): AreaRange | undefined =>
  places.areas.find((range) => place >= range.first && place < range.first + range.count);

/** The id of a place: a seat's own, or `<area id>/<n>`. */
export function idOf(places: Places, place: number): string {
  const id = places.ids[place];
  if (id !== undefined && id !== '') return id;
  const range = areaOf(places, place);
  return range === undefined ? '' : `${range.area.id}/${place - range.first + range.number}`;
}

/** A place as a person knows it. */
function seatRef(places: Places, place: number): SeatRef {
  const category = places.categories[places.category[place] ?? 0] ?? '';
  if (places.ids[place] === '') {
    return { id: idOf(places, place), category, area: areaOf(places, place)?.area.name ?? '' };
  }
  const { section, row } = places.rows[places.row[place] ?? 0] ?? { section: '', row: '' };
  return {
    id: places.ids[place] ?? '',
    category,
    section,
    row,
    number: places.numbers[place] ?? '',
  };
}

export const seatRefs = (places: Places, list: readonly number[]): SeatRef[] =>
  list.map((place) => seatRef(places, place));

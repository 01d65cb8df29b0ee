import { deflateSync, inflateSync } from 'node:zlib';

/**
 * The places of a chart in index order, as the actor needs them: drawn seats row by row, then the
 * general-admission areas whose places take the indexes behind the seats.
 */
export type LayoutSeat = {
  readonly id: string;
  readonly section: string;
  readonly row: string;
  readonly number: string;
  /** Index into `categories`. */
  readonly category: number;
  readonly accessible?: boolean;
  /**
   * Seats of one row that have neighbouring `order` (differing by 1) sit side by side; a gap in
   * the numbers of `order` is an aisle.
   */
  readonly order: number;
  /** Lower is better; best available compares sums. */
  readonly rank: number;
};

export type LayoutArea = {
  readonly id: string;
  readonly name: string;
  readonly category: number;
  readonly count: number;
};

export type Layout = {
  readonly categories: readonly string[];
  readonly seats: readonly LayoutSeat[];
  readonly areas: readonly LayoutArea[];
};

/** Places in all: drawn seats, then those of the areas. */
export const placesOf = (layout: Layout): number =>
  layout.areas.reduce((sum, area) => sum + area.count, layout.seats.length);

/** `[first, step]` of a progression, or the values themselves. */
type Numbers = { readonly p: readonly [number, number] } | { readonly l: readonly number[] };
/** Numbers of a progression as text, or the texts themselves. */
type Texts = { readonly p: readonly [number, number] } | { readonly l: readonly string[] };
/** Ids that are `prefix + number + suffix`, or the ids themselves. */
type Names = { readonly t: readonly [string, string] } | { readonly l: readonly string[] };

/** A stretch of seats, in index order, of one section, row, category and accessibility. */
type Stretch = {
  readonly s: number;
  readonly r: string;
  readonly c: number;
  readonly a: 0 | 1;
  readonly n: number;
  readonly id: Names;
  readonly no: Texts;
  readonly or: Numbers;
  readonly ra: Numbers;
};

type Packed = {
  readonly v: 1;
  readonly categories: readonly string[];
  readonly sections: readonly string[];
  readonly areas: readonly LayoutArea[];
  readonly stretches: readonly Stretch[];
};

/** More than any chart of `limits.chartPlacesMax` places needs when written out as JSON. */
const unpackedBytesMax = 64_000_000;

const packNumbers = (values: readonly number[]): Numbers => {
  const first = values[0] ?? 0;
  const step = (values[1] ?? first) - first;
  return values.every((value, i) => value === first + i * step)
    ? { p: [first, step] }
    : { l: values };
};

const packTexts = (texts: readonly string[]): Texts => {
  const values = texts.map(Number);
  const packed = packNumbers(values);
  const plain = texts.every((text, i) => text === String(values[i]));
  return plain && 'p' in packed ? packed : { l: texts };
};

const packNames = (seats: readonly LayoutSeat[]): Names => {
  const { id, number } = seats[0] as LayoutSeat;
  const at = id.lastIndexOf(number);
  const prefix = id.slice(0, at);
  const suffix = id.slice(at + number.length);
  return at >= 0 && seats.every((seat) => seat.id === prefix + seat.number + suffix)
    ? { t: [prefix, suffix] }
    : { l: seats.map((seat) => seat.id) };
};

const alike = (a: LayoutSeat, b: LayoutSeat): boolean =>
  a.section === b.section &&
  a.row === b.row &&
  a.category === b.category &&
  (a.accessible ?? false) === (b.accessible ?? false);

function stretchesOf(seats: readonly LayoutSeat[], sections: readonly string[]): Stretch[] {
  const sectionIndex = new Map(sections.map((section, i) => [section, i]));
  const stretches: Stretch[] = [];
  for (let from = 0; from < seats.length; ) {
    const head = seats[from] as LayoutSeat;
    let to = from + 1;
    while (to < seats.length && alike(head, seats[to] as LayoutSeat)) to++;
    const run = seats.slice(from, to);
    stretches.push({
      s: sectionIndex.get(head.section) ?? 0,
      r: head.row,
      c: head.category,
      a: head.accessible ? 1 : 0,
      n: run.length,
      id: packNames(run),
      no: packTexts(run.map((seat) => seat.number)),
      or: packNumbers(run.map((seat) => seat.order)),
      ra: packNumbers(run.map((seat) => seat.rank)),
    });
    from = to;
  }
  return stretches;
}

/**
 * A layout as text for a command, a fact and a snapshot: rows as ranges, deflated, base64. Exact
 * for every layout; 120 000 regularly named seats take well under `limits.layoutPackedBytesMax`.
 */
export function packLayout(layout: Layout): string {
  const sections = [...new Set(layout.seats.map((seat) => seat.section))];
  const packed: Packed = {
    v: 1,
    categories: layout.categories,
    sections,
    areas: layout.areas,
    stretches: stretchesOf(layout.seats, sections),
  };
  return deflateSync(JSON.stringify(packed), { level: 9 }).toString('base64');
}

const numberAt = (numbers: Numbers, i: number): number =>
  'p' in numbers ? numbers.p[0] + i * numbers.p[1] : (numbers.l[i] as number);

const textAt = (texts: Texts, i: number): string =>
  'p' in texts ? String(texts.p[0] + i * texts.p[1]) : (texts.l[i] as string);

const nameAt = (names: Names, i: number, number: string): string =>
  't' in names ? names.t[0] + number + names.t[1] : (names.l[i] as string);

/** The layout that `packLayout` was given. Throws an Error when the text is none of its making. */
export function unpackLayout(text: string): Layout {
  const json = inflateSync(Buffer.from(text, 'base64'), { maxOutputLength: unpackedBytesMax });
  const packed = JSON.parse(json.toString()) as Packed;
  if (packed.v !== 1) throw new Error(`layout format ${String(packed.v)} is unknown`);
  const seats: LayoutSeat[] = [];
  for (const stretch of packed.stretches) {
    for (let i = 0; i < stretch.n; i++) {
      const number = textAt(stretch.no, i);
      seats.push({
        id: nameAt(stretch.id, i, number),
        section: packed.sections[stretch.s] ?? '',
        row: stretch.r,
        number,
        category: stretch.c,
        ...(stretch.a === 1 ? { accessible: true } : {}),
        order: numberAt(stretch.or, i),
        rank: numberAt(stretch.ra, i),
      });
    }
  }
  return { categories: packed.categories, seats, areas: packed.areas };
}

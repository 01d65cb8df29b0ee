/**
 * A seating chart: everything the pretix format holds, in the words of this system, and what goes
 * beyond it (areas sold by quantity, accessible and companion places, restricted view).
 *
 * Coordinates are the drawing's own units, y downwards. A seat's position is relative to its row,
 * the row's to its section. The order of sections, rows and seats is the order of place indexes.
 */
export type Point = { readonly x: number; readonly y: number };

export type ChartCategory = { readonly name: string; readonly color?: string };

export type ChartSeat = {
  /** Unique in the chart; the id that buyers send. */
  readonly id: string;
  readonly number: string;
  readonly category: string;
  readonly position: Point;
  readonly uuid?: string;
  readonly startDirection?: string | null;
  readonly radius?: number;
  readonly accessible?: true;
  /** For who comes along with somebody in an accessible place. */
  readonly companion?: true;
  readonly restrictedView?: true;
};

export type ChartRow = {
  readonly name: string;
  readonly seats: readonly ChartSeat[];
  readonly label?: string | null;
  readonly seatLabel?: string | null;
  readonly uuid?: string;
  readonly namePosition?: 'start' | 'end' | 'both' | null;
  readonly position?: Point;
};

/** Something drawn: a stage, a bar, the outline of a standing area. */
export type ChartShape = {
  readonly color?: string;
  readonly borderColor?: string;
  readonly rotation?: number;
  readonly position?: Point;
  readonly uuid?: string;
  readonly shape?: 'polygon' | 'rectangle' | 'ellipse' | 'circle' | 'text';
  readonly polygon?: { readonly points: readonly Point[] };
  readonly rectangle?: { readonly width: number; readonly height: number };
  readonly ellipse?: { readonly radius: Point };
  readonly circle?: { readonly radius: number };
  readonly text?: {
    readonly text: string;
    readonly color?: string;
    readonly size?: number;
    readonly position: Point;
  };
};

export type ChartSection = {
  readonly name?: string;
  /** pretix's `zone_id`. */
  readonly id?: string;
  readonly uuid?: string;
  readonly position: Point;
  readonly rows: readonly ChartRow[];
  readonly shapes?: readonly ChartShape[];
};

/** General admission: places without numbers, sold by quantity. */
export type ChartArea = {
  /** Unique among areas and seats; its places are called `<id>/1`, `<id>/2`, … */
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly capacity: number;
  /** `uuid` of the shape that draws it. */
  readonly shape?: string;
};

export type Chart = {
  readonly name: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly categories: readonly ChartCategory[];
  readonly sections: readonly ChartSection[];
  readonly areas: readonly ChartArea[];
};

/** What a section is called: its name, else its id, else its number in the chart. */
export const sectionName = (section: ChartSection, index: number): string =>
  section.name ?? section.id ?? `Zone ${index + 1}`;

/** A seat where it stands in the chart; x and y are absolute. */
export type PlacedSeat = {
  readonly seat: ChartSeat;
  readonly row: ChartRow;
  readonly section: string;
  readonly x: number;
  readonly y: number;
};

/** A row's seats with absolute coordinates, in listed order. */
export function placedRow(section: ChartSection, name: string, row: ChartRow): PlacedSeat[] {
  const x = section.position.x + (row.position?.x ?? 0);
  const y = section.position.y + (row.position?.y ?? 0);
  return row.seats.map((seat) => ({
    seat,
    row,
    section: name,
    x: x + seat.position.x,
    y: y + seat.position.y,
  }));
}

/** Every row of the chart with its seats placed, in index order. */
export const placedRows = (chart: Chart): PlacedSeat[][] =>
  chart.sections.flatMap((section, i) =>
    section.rows.map((row) => placedRow(section, sectionName(section, i), row)),
  );

export const seatsIn = (chart: Chart): number =>
  chart.sections.reduce(
    (sum, section) => section.rows.reduce((seats, row) => seats + row.seats.length, sum),
    0,
  );

/** Drawn seats and the capacities of all areas. */
export const placesIn = (chart: Chart): number =>
  chart.areas.reduce((sum, area) => sum + area.capacity, seatsIn(chart));

/** `Stalls, row A, seat 12`: a seat as a person finds it. */
export const seatName = (section: string, row: string, number: string): string =>
  `${section}, row ${row}, seat ${number}`;

/** The centre of a shape, absolute; `origin` is the position of its section. */
export function shapeCentre(shape: ChartShape, origin: Point): Point {
  const x = origin.x + (shape.position?.x ?? 0);
  const y = origin.y + (shape.position?.y ?? 0);
  if (shape.shape === 'rectangle' && shape.rectangle !== undefined) {
    return { x: x + shape.rectangle.width / 2, y: y + shape.rectangle.height / 2 };
  }
  const points = shape.shape === 'polygon' ? (shape.polygon?.points ?? []) : [];
  if (points.length === 0) return { x, y };
  const sum = points.reduce((s, p) => ({ x: s.x + p.x, y: s.y + p.y }), { x: 0, y: 0 });
  return { x: x + sum.x / points.length, y: y + sum.y / points.length };
}

import {
  type Chart,
  type ChartShape,
  type PlacedSeat,
  placedRows,
  seatsIn,
  sectionName,
} from '#domain/chart.ts';

export type GeometrySeat = {
  readonly id: string;
  readonly section: string;
  readonly row: string;
  readonly number: string;
  readonly category: string;
  readonly x: number;
  readonly y: number;
  /** Drawn radius where it is not the usual 10. */
  readonly radius?: number;
  readonly accessible?: true;
  readonly companion?: true;
  readonly restrictedView?: true;
};

export type GeometryArea = {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  /** Index of its first place; its places are `first … first + count - 1`. */
  readonly first: number;
  readonly count: number;
  /** Index into `shapes` of what draws it. */
  readonly shape?: number;
};

/** A chart for drawing: places in index order, everything with absolute coordinates. */
export type Geometry = {
  readonly name: string;
  readonly chartVersion: number;
  readonly places: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly categories: readonly { readonly name: string; readonly color?: string }[];
  readonly sections: readonly { readonly name: string; readonly x: number; readonly y: number }[];
  readonly seats: readonly GeometrySeat[];
  readonly areas: readonly GeometryArea[];
  readonly shapes: readonly ChartShape[];
};

/** Hundredths of a drawing unit are finer than any screen. */
const rounded = (value: number): number => Math.round(value * 100) / 100;

const seatGeometry = ({ seat, row, section, x, y }: PlacedSeat): GeometrySeat => ({
  id: seat.id,
  section,
  row: row.name,
  number: seat.number,
  category: seat.category,
  x: rounded(x),
  y: rounded(y),
  ...(seat.radius === undefined ? {} : { radius: seat.radius }),
  ...(seat.accessible === undefined ? {} : { accessible: true }),
  ...(seat.companion === undefined ? {} : { companion: true }),
  ...(seat.restrictedView === undefined ? {} : { restrictedView: true }),
});

/** Index order is that of `layoutOf`: the places of both are the same. */
export function geometryOf(chart: Chart, chartVersion: number): Geometry {
  const shapes = chart.sections.flatMap((section) =>
    (section.shapes ?? []).map(
      (shape): ChartShape => ({
        ...shape,
        position: {
          x: rounded(section.position.x + (shape.position?.x ?? 0)),
          y: rounded(section.position.y + (shape.position?.y ?? 0)),
        },
      }),
    ),
  );
  const seats = placedRows(chart).flat().map(seatGeometry);
  let first = seatsIn(chart);
  const areas = chart.areas.map((area): GeometryArea => {
    const shape = area.shape === undefined ? -1 : shapes.findIndex((s) => s.uuid === area.shape);
    const { id, name, category, capacity: count } = area;
    const geometry = { id, name, category, first, count, ...(shape < 0 ? {} : { shape }) };
    first += count;
    return geometry;
  });
  return {
    name: chart.name,
    chartVersion,
    places: first,
    size: chart.size,
    categories: chart.categories,
    sections: chart.sections.map((section, i) => ({
      name: sectionName(section, i),
      ...section.position,
    })),
    seats,
    areas,
    shapes,
  };
}

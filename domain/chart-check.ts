import {
  type Chart,
  type ChartSeat,
  placesIn,
  seatName,
  seatsIn,
  sectionName,
} from '#domain/chart.ts';
import { layoutOf } from '#domain/chart-layout.ts';
import { type FieldError, UsherError } from '#domain/errors.ts';
import { packLayout } from '#domain/layout.ts';
import { limits } from '#domain/limits.ts';

/** As many mistakes are named; the rest are counted. */
const namedMistakesMax = 20;

/** Collects mistakes: all are counted, the first ones are named. */
export class Mistakes {
  readonly named: FieldError[] = [];
  count = 0;

  add(path: string, message: string): void {
    this.count++;
    if (this.named.length < namedMistakesMax) this.named.push({ path, message });
  }

  /** Throws `invalid-chart` with `{errors, count}` when there are any. */
  refuse(): void {
    const [first] = this.named;
    if (first === undefined) return;
    const more = this.count === 1 ? '' : ` (and ${this.count - 1} more)`;
    throw new UsherError('invalid-chart', `${first.path}: ${first.message}${more}`, {
      errors: this.named,
      count: this.count,
    });
  }
}

/** A chart that may be stored. */
export type CheckedChart = {
  /** `packLayout(layoutOf(chart))` */
  readonly layout: string;
  /** What an importer should look at though it forbids nothing. */
  readonly warnings: readonly FieldError[];
};

/** Names that would collide with what every JavaScript object has. */
const unusable = (name: string): boolean => name === '' || name === '__proto__';

function checkCategories(chart: Chart, mistakes: Mistakes): ReadonlySet<string> {
  const known = new Set<string>();
  for (const [i, { name }] of chart.categories.entries()) {
    const path = `category ${i + 1}`;
    if (unusable(name) || name.length > 100) {
      mistakes.add(path, `"${name}" cannot be the name of a category (1 to 100 characters)`);
    }
    if (known.has(name)) mistakes.add(path, `the category "${name}" is there twice`);
    known.add(name);
  }
  return known;
}

type Seen = { readonly ids: Map<string, string>; readonly names: Set<string> };

function checkSeat(
  seat: ChartSeat,
  place: string,
  seen: Seen,
  categories: ReadonlySet<string>,
  mistakes: Mistakes,
  warnings: Mistakes,
): void {
  const other = seen.ids.get(seat.id);
  if (other !== undefined) {
    mistakes.add(place, `the seat id "${seat.id}" is already that of ${other}`);
  } else if (!/^[^ ].*[^ ]$/s.test(seat.id)) {
    mistakes.add(
      place,
      `"${seat.id}" cannot be a seat id (two characters or more, no outer space)`,
    );
  }
  seen.ids.set(seat.id, other ?? place);
  if (!categories.has(seat.category)) {
    mistakes.add(place, `the category "${seat.category}" is not defined`);
  }
  if (seen.names.has(place)) warnings.add(place, 'two seats are called this; buyers cannot tell');
  seen.names.add(place);
}

function checkAreas(
  chart: Chart,
  seen: Seen,
  categories: ReadonlySet<string>,
  mistakes: Mistakes,
): void {
  const shapes = new Set(chart.sections.flatMap((s) => s.shapes?.map((shape) => shape.uuid) ?? []));
  for (const area of chart.areas) {
    const place = `area ${area.name}`;
    const other = seen.ids.get(area.id);
    if (other !== undefined) mistakes.add(place, `its id "${area.id}" is already that of ${other}`);
    seen.ids.set(area.id, other ?? place);
    if (!categories.has(area.category)) {
      mistakes.add(place, `the category "${area.category}" is not defined`);
    }
    if (!Number.isSafeInteger(area.capacity) || area.capacity < 1) {
      mistakes.add(place, `its capacity ${area.capacity} is not a number of places`);
    }
    if (area.shape !== undefined && !shapes.has(area.shape)) {
      mistakes.add(place, `nothing drawn has the uuid "${area.shape}"`);
    }
  }
  checkAreaPlaces(chart, seen, mistakes);
}

/** Seats may not be called as the places of an area are: `<area>/1`, `<area>/2`, … */
function checkAreaPlaces(chart: Chart, seen: Seen, mistakes: Mistakes): void {
  const areas = new Set(chart.areas.map((area) => area.id));
  if (areas.size === 0) return;
  for (const [id, place] of seen.ids) {
    const slash = id.lastIndexOf('/');
    if (slash > 0 && areas.has(id.slice(0, slash)) && /^\d+$/.test(id.slice(slash + 1))) {
      mistakes.add(place, `"${id}" is what a place of area ${id.slice(0, slash)} is called`);
    }
  }
}

function checkSize(chart: Chart, mistakes: Mistakes): void {
  const places = placesIn(chart);
  if (places === 0) {
    const sections = chart.sections.map(sectionName).join(', ') || 'no section';
    mistakes.add('chart', `there is no place to sell in it (${sections})`);
  }
  if (places <= limits.chartPlacesMax) return;
  mistakes.add('chart', `${places} places are more than the ${limits.chartPlacesMax} allowed`);
  let sum = 0;
  const parts = [
    ...chart.sections.map((section, i) => ({
      path: sectionName(section, i),
      places: section.rows.reduce((seats, row) => seats + row.seats.length, 0),
    })),
    ...chart.areas.map((area) => ({ path: `area ${area.name}`, places: area.capacity })),
  ];
  for (const part of parts) {
    sum += part.places;
    if (sum > limits.chartPlacesMax) {
      mistakes.add(part.path, `its ${part.places} places bring the chart to ${sum}`);
    }
  }
}

/** Names the seats whose ids pack badly when the packed layout does not fit one message. */
function checkPacked(chart: Chart, mistakes: Mistakes): string {
  const layout = layoutOf(chart);
  const packed = packLayout(layout);
  const bytes = packed.length;
  if (bytes <= limits.layoutPackedBytesMax) return packed;
  mistakes.add(
    'chart',
    `the names in it take ${bytes} bytes, ${limits.layoutPackedBytesMax} are allowed; ` +
      'ids made of section, row and number take least',
  );
  for (const seat of layout.seats) {
    if (!seat.id.endsWith(seat.number)) {
      mistakes.add(seatName(seat.section, seat.row, seat.number), `its id is "${seat.id}"`);
    }
  }
  return packed;
}

/**
 * Throws `invalid-chart` with every place that is wrong named (the first ones; all are counted):
 * ids used twice, unknown categories, no place or more than `limits.chartPlacesMax`, names that do
 * not fit one message.
 */
export function checkChart(chart: Chart): CheckedChart {
  const mistakes = new Mistakes();
  const warnings = new Mistakes();
  const categories = checkCategories(chart, mistakes);
  const seen: Seen = { ids: new Map(), names: new Set() };
  checkSize(chart, mistakes);
  if (seatsIn(chart) <= limits.chartPlacesMax) {
    for (const [i, section] of chart.sections.entries()) {
      for (const row of section.rows) {
        for (const seat of row.seats) {
          const place = seatName(sectionName(section, i), row.name, seat.number);
          checkSeat(seat, place, seen, categories, mistakes, warnings);
        }
      }
    }
  }
  checkAreas(chart, seen, categories, mistakes);
  mistakes.refuse();
  const layout = checkPacked(chart, mistakes);
  mistakes.refuse();
  return { layout, warnings: warnings.named };
}

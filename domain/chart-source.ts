import { type Chart, type ChartCategory, placesIn, seatsIn } from '#domain/chart.ts';
import { type CheckedChart, checkChart, Mistakes } from '#domain/chart-check.ts';
import {
  type ChartAdditions,
  fromPretix,
  type PretixPlan,
  unknownSeats,
} from '#domain/chart-pretix.ts';
import { chartFromText } from '#domain/chart-text.ts';
import { UsherError } from '#domain/errors.ts';

/** A chart as it comes in: a pretix plan with its additions, or text. */
export type ChartSource = {
  readonly name?: string | undefined;
  readonly plan?: PretixPlan | undefined;
  readonly additions?: ChartAdditions | undefined;
  readonly text?: string | undefined;
};

/**
 * The checked chart of a source. Throws `invalid-chart` with the places named, `invalid-request`
 * when there is not exactly one of `plan` and `text`.
 */
export function readChart(source: ChartSource): CheckedChart & { readonly chart: Chart } {
  const read = chartOf(source);
  const chart = source.name === undefined ? read : { ...read, name: source.name };
  return { chart, ...checkChart(chart) };
}

function chartOf({ name, plan, additions, text }: ChartSource): Chart {
  if (plan !== undefined && text === undefined) {
    const mistakes = new Mistakes();
    for (const id of unknownSeats(plan, additions ?? {})) {
      mistakes.add('additions', `the plan has no seat "${id}"`);
    }
    mistakes.refuse();
    return fromPretix(plan, additions);
  }
  if (text !== undefined && plan === undefined && additions === undefined) {
    return chartFromText(text, name);
  }
  const message = 'send either plan (and additions) or text';
  throw new UsherError('invalid-request', message, { errors: [{ path: 'plan', message }] });
}

/** What is kept of a chart beside its places. */
export function summaryOf(chart: Chart): {
  name: string;
  places: number;
  seats: number;
  areas: { id: string; name: string; capacity: number }[];
  categories: ChartCategory[];
} {
  return {
    name: chart.name,
    places: placesIn(chart),
    seats: seatsIn(chart),
    areas: chart.areas.map(({ id, name, capacity }) => ({ id, name, capacity })),
    categories: chart.categories.map((category) => ({ ...category })),
  };
}

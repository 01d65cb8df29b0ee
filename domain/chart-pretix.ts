import type {
  Chart,
  ChartArea,
  ChartRow,
  ChartSeat,
  ChartSection,
  ChartShape,
  Point,
} from '#domain/chart.ts';

/** The pretix seating-plan format, version 0.0.1, as it stands in a file. */
export type PretixPlan = {
  readonly name: string;
  readonly zones: readonly PretixZone[];
  readonly categories: readonly { readonly name: string; readonly color?: string | undefined }[];
  readonly size: { readonly width: number; readonly height: number };
};

type Maybe<T> = { readonly [K in keyof T]?: T[K] | undefined };

export type PretixZone = {
  readonly position: Point;
  readonly rows: readonly PretixRow[];
} & Maybe<{ name: string; zone_id: string; uuid: string; areas: readonly PretixArea[] }>;

export type PretixRow = {
  readonly row_number: string;
  readonly seats: readonly PretixSeat[];
} & Maybe<{
  row_label: string | null;
  seat_label: string | null;
  uuid: string;
  row_number_position: 'start' | 'end' | 'both' | null;
  position: Point;
}>;

export type PretixSeat = {
  readonly seat_guid: string;
  readonly seat_number: string;
  readonly position: Point;
  readonly category: string;
} & Maybe<{ uuid: string; start_direction: string | null; radius: number }>;

export type PretixArea = Maybe<Omit<ChartShape, 'borderColor' | 'text'>> &
  Maybe<{
    border_color: string;
    text: { text: string; position: Point } & Maybe<{ color: string; size: number }>;
  }>;

/** What a chart holds beyond the pretix format; seats by `seat_guid`. */
export type ChartAdditions = Maybe<{
  areas: readonly (Omit<ChartArea, 'shape'> & Maybe<{ shape: string }>)[];
  accessible: readonly string[];
  companion: readonly string[];
  restrictedView: readonly string[];
}>;

/** Drops the fields that are undefined, so that absent stays absent. */
const present = <T extends object>(fields: T): T => {
  for (const key of Object.keys(fields) as (keyof T)[]) {
    if (fields[key] === undefined) delete fields[key];
  }
  return fields;
};

type Flags = Readonly<Record<'accessible' | 'companion' | 'restrictedView', ReadonlySet<string>>>;

function seatFrom(seat: PretixSeat, flags: Flags): ChartSeat {
  const id = seat.seat_guid;
  return present({
    id,
    number: seat.seat_number,
    category: seat.category,
    position: seat.position,
    uuid: seat.uuid,
    startDirection: seat.start_direction,
    radius: seat.radius,
    accessible: flags.accessible.has(id) ? true : undefined,
    companion: flags.companion.has(id) ? true : undefined,
    restrictedView: flags.restrictedView.has(id) ? true : undefined,
  }) as ChartSeat;
}

const rowFrom = (row: PretixRow, flags: Flags): ChartRow =>
  present({
    name: row.row_number,
    seats: row.seats.map((seat) => seatFrom(seat, flags)),
    label: row.row_label,
    seatLabel: row.seat_label,
    uuid: row.uuid,
    namePosition: row.row_number_position,
    position: row.position,
  }) as ChartRow;

const shapeFrom = ({ border_color, ...rest }: PretixArea): ChartShape =>
  present({ ...rest, borderColor: border_color }) as ChartShape;

const sectionFrom = (zone: PretixZone, flags: Flags): ChartSection =>
  present({
    name: zone.name,
    id: zone.zone_id,
    uuid: zone.uuid,
    position: zone.position,
    rows: zone.rows.map((row) => rowFrom(row, flags)),
    shapes: zone.areas?.map(shapeFrom),
  }) as ChartSection;

/**
 * The chart of a plan. Nothing of the plan is lost: `toPretix` gives it back field by field. The
 * plan must have the format's shape; whether its content makes sense is `checkChart`'s to say.
 */
export function fromPretix(plan: PretixPlan, additions: ChartAdditions = {}): Chart {
  const flags: Flags = {
    accessible: new Set(additions.accessible),
    companion: new Set(additions.companion),
    restrictedView: new Set(additions.restrictedView),
  };
  return {
    name: plan.name,
    size: plan.size,
    categories: plan.categories.map((category) => present({ ...category })) as Chart['categories'],
    sections: plan.zones.map((zone) => sectionFrom(zone, flags)),
    areas: (additions.areas ?? []).map((area) => present({ ...area }) as ChartArea),
  };
}

const seatTo = (seat: ChartSeat): PretixSeat =>
  present({
    seat_guid: seat.id,
    seat_number: seat.number,
    uuid: seat.uuid,
    start_direction: seat.startDirection,
    radius: seat.radius,
    position: seat.position,
    category: seat.category,
  });

const rowTo = (row: ChartRow): PretixRow =>
  present({
    row_number: row.name,
    row_label: row.label,
    seat_label: row.seatLabel,
    uuid: row.uuid,
    seats: row.seats.map(seatTo),
    row_number_position: row.namePosition,
    position: row.position,
  });

const shapeTo = ({ borderColor, ...rest }: ChartShape): PretixArea =>
  present({ ...rest, border_color: borderColor });

/** The chart as a plan that is valid by the format's published schema. */
export const toPretix = (chart: Chart): PretixPlan => ({
  name: chart.name,
  zones: chart.sections.map((section) =>
    present({
      name: section.name,
      zone_id: section.id,
      uuid: section.uuid,
      position: section.position,
      rows: section.rows.map(rowTo),
      areas: section.shapes?.map(shapeTo),
    }),
  ),
  categories: chart.categories,
  size: chart.size,
});

/** What `toPretix` leaves out; empty lists are left out too. */
export function additionsOf(chart: Chart): ChartAdditions {
  const seats = chart.sections.flatMap((s) => s.rows.flatMap((row) => row.seats));
  const named = (flag: 'accessible' | 'companion' | 'restrictedView'): string[] | undefined => {
    const ids = seats.filter((seat) => seat[flag] === true).map((seat) => seat.id);
    return ids.length === 0 ? undefined : ids;
  };
  return present({
    areas: chart.areas.length === 0 ? undefined : chart.areas,
    accessible: named('accessible'),
    companion: named('companion'),
    restrictedView: named('restrictedView'),
  });
}

/** Seats that the additions name and the plan does not have. */
export function unknownSeats(plan: PretixPlan, additions: ChartAdditions): string[] {
  const known = new Set(
    plan.zones.flatMap((zone) => zone.rows.flatMap((row) => row.seats.map((s) => s.seat_guid))),
  );
  const { accessible = [], companion = [], restrictedView = [] } = additions;
  return [...accessible, ...companion, ...restrictedView].filter((id) => !known.has(id));
}

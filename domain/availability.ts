import type { Counts } from '#domain/inventory/commands.ts';
import type { SaleStatus } from '#domain/inventory/terms.ts';

/** What everybody may see of an event's seats, at one version (seq of the last applied entry). */
export type Availability = {
  readonly eventId: string;
  readonly version: number;
  readonly chartVersion: number;
  readonly sale: SaleStatus;
  readonly counts: Counts;
  /**
   * Two bits a place in index order, lowest bits first: 0 available, 1 reserved, 2 sold, 3 blocked.
   */
  readonly seats: Uint8Array;
};

/** What changed after `from`, up to and including `version`. */
export type Delta = {
  readonly eventId: string;
  readonly from: number;
  readonly version: number;
  readonly sale: SaleStatus;
  readonly counts: Counts;
  /** [place index, status] */
  readonly changes: readonly (readonly [number, number])[];
};

/** What a delta means to who has `version`: only `apply` may be applied, a `gap` means refetch. */
export function judgeDelta(version: number, delta: Delta): 'apply' | 'old' | 'gap' {
  if (delta.version <= version) return 'old';
  return delta.from > version ? 'gap' : 'apply';
}

/** The view after a delta that `judgeDelta` calls `apply`. Places beyond the chart are ignored. */
export function applyDelta(view: Availability, delta: Delta): Availability {
  // A copy, which `slice` of a Buffer would not be.
  const seats = new Uint8Array(view.seats);
  for (const [place, status] of delta.changes) {
    const byte = seats[place >> 2];
    if (byte === undefined) continue;
    const shift = 2 * (place & 3);
    seats[place >> 2] = (byte & ~(3 << shift)) | ((status & 3) << shift);
  }
  const { version, sale, counts } = delta;
  return { ...view, version, sale, counts, seats };
}

/**
 * The delta that leads from an older view to a newer one; undefined where none can: another chart,
 * other places, or more than `changesMax` changes.
 */
export function deltaBetween(
  older: Availability,
  newer: Availability,
  changesMax: number,
): Delta | undefined {
  const samePlaces =
    older.chartVersion === newer.chartVersion && older.seats.length === newer.seats.length;
  if (!samePlaces) return undefined;
  const changes: [number, number][] = [];
  for (let i = 0; i < newer.seats.length; i++) {
    const [was, is] = [older.seats[i] ?? 0, newer.seats[i] ?? 0];
    for (let k = 0; was !== is && k < 4; k++) {
      const status = (is >> (2 * k)) & 3;
      if (((was >> (2 * k)) & 3) !== status) changes.push([4 * i + k, status]);
    }
    if (changes.length > changesMax) return undefined;
  }
  const { eventId, version, sale, counts } = newer;
  return { eventId, from: older.version, version, sale, counts, changes };
}

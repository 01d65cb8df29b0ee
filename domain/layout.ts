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

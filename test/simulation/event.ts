import type { Terms } from '#domain/inventory/terms.ts';
import { type Layout, packLayout } from '#domain/layout.ts';

/** The events of a run, of which it has the first or both: small, so that buyers meet. */
const eventUlids = ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '01ARZ3NDEKTSV4RRFFQ69G5FAW'] as const;
export const eventIds: readonly string[] = eventUlids.map((ulid) => `evt_${ulid}`);

const row = (name: string, seats: number, category: number, rank: number): Layout['seats'] =>
  Array.from({ length: seats }, (_, i) => ({
    id: `${name}${i + 1}`,
    section: 'Stalls',
    row: name,
    number: String(i + 1),
    category,
    order: i,
    rank: rank + i,
  }));

const layoutOf = (seats: Layout['seats'], count: number): string =>
  packLayout({
    categories: ['front', 'back', 'standing'],
    seats,
    areas: [{ id: 'floor', name: 'Floor', category: 2, count }],
  });

const first = [...row('A', 5, 0, 0), ...row('B', 4, 0, 20), ...row('C', 4, 1, 40)];
/** The first chart without two of its seats and with others behind it. */
const second = [...first.filter(({ id }) => id !== 'A2' && id !== 'C4'), ...row('D', 3, 1, 60)];

/** Seats of either chart: those of the other are refused. */
export const seatIds: readonly string[] = [...first, ...row('D', 3, 1, 60)].map(({ id }) => id);
const layouts = [layoutOf(first, 4), layoutOf(second, 5)] as const;

/** Seats that the chart of this version does not have. */
export const removedIn = (chartVersion: number): readonly string[] =>
  chartVersion % 2 === 1 ? [] : ['A2', 'C4'];

/** A hold of these events lives a few seconds, so that many run out. */
export const holdTtlMs = 4_000;

/** Odd chart versions are the first chart, even ones the second. */
export const termsOf = (status: Terms['sale']['status'], chartVersion = 1): Terms => ({
  currency: 'EUR',
  prices: { front: 5_000, back: 3_000, standing: 2_000 },
  fees: [{ name: 'service', perTicket: 50, basisPoints: 300 }],
  taxes: [{ name: 'vat', basisPoints: 1_900, included: true }],
  chartVersion,
  layout: layouts[(chartVersion + 1) % 2] ?? '',
  limits: { ticketsPerBuyer: 6, liveHoldsPerBuyer: 2, holdTtlMs },
  sale: { status, opensAt: null, closesAt: null },
  channels: ['public'],
  endsAt: 4_000_000_000_000,
});

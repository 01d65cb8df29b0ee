import type { Terms } from '#domain/inventory/terms.ts';
import { type Layout, packLayout } from '#domain/layout.ts';

/** The one event of a run: small, so that buyers meet. */
export const eventUlid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
export const eventId = `evt_${eventUlid}`;

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

const layout: Layout = {
  categories: ['front', 'back', 'standing'],
  seats: [...row('A', 5, 0, 0), ...row('B', 4, 0, 20), ...row('C', 4, 1, 40)],
  areas: [{ id: 'floor', name: 'Floor', category: 2, count: 4 }],
};

export const seatIds: readonly string[] = layout.seats.map((seat) => seat.id);
const packed = packLayout(layout);

/** A hold of this event lives a few seconds, so that many run out. */
export const holdTtlMs = 4_000;

export const termsOf = (status: Terms['sale']['status']): Terms => ({
  currency: 'EUR',
  prices: { front: 5_000, back: 3_000, standing: 2_000 },
  fees: [],
  taxes: [],
  chartVersion: 1,
  layout: packed,
  limits: { ticketsPerBuyer: 6, liveHoldsPerBuyer: 2, holdTtlMs },
  sale: { status, opensAt: null, closesAt: null },
  channels: ['public'],
  endsAt: 4_000_000_000_000,
});

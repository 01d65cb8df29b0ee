import type { InventoryView } from '#broker/inventory-client.ts';
import { type Layout, unpackLayout } from '#domain/layout.ts';
import { Lru } from '#domain/lru.ts';

/** Places of one category: those that are sold, and all that are not blocked. */
export type Share = { readonly sold: number; readonly places: number };

const layoutsKept = 32;
const sold = 2;
const blocked = 3;

/** How much of each category of an event is sold, from the view of its seats. */
export class SoldShares {
  readonly #view: (eventId: string) => Promise<InventoryView>;
  readonly #layout: (chartId: string, version: number) => Promise<string>;
  readonly #layouts = new Lru<Layout>(layoutsKept);

  constructor(
    view: (eventId: string) => Promise<InventoryView>,
    layout: (chartId: string, version: number) => Promise<string>,
  ) {
    this.#view = view;
    this.#layout = layout;
  }

  /** By category name. Rejects when the seats or the chart cannot be reached. */
  async of(event: {
    readonly eventId: string;
    readonly chartId: string;
    readonly chartVersion: number;
  }): Promise<ReadonlyMap<string, Share>> {
    const [view, layout] = await Promise.all([
      this.#view(event.eventId),
      this.#layoutOf(event.chartId, event.chartVersion),
    ]);
    return sharesOf(layout, Buffer.from(view.seats, 'base64'));
  }

  async #layoutOf(chartId: string, version: number): Promise<Layout> {
    const key = `${chartId}:${version}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const layout = unpackLayout(await this.#layout(chartId, version));
    this.#layouts.set(key, layout);
    return layout;
  }
}

/** Counts two bits a place in index order: the seats, then the places of the areas. */
function sharesOf({ categories, seats, areas }: Layout, bits: Uint8Array): Map<string, Share> {
  const counts = categories.map(() => ({ sold: 0, places: 0 }));
  let at = 0;
  const count = (category: number): void => {
    const status = ((bits[at >> 2] ?? 0) >> (2 * (at & 3))) & 3;
    at++;
    const own = counts[category];
    if (own === undefined || status === blocked) return;
    own.places++;
    if (status === sold) own.sold++;
  };
  for (const { category } of seats) count(category);
  for (const { category, count: places } of areas) {
    for (let i = 0; i < places; i++) count(category);
  }
  return new Map(categories.map((name, i) => [name, counts[i] ?? { sold: 0, places: 0 }]));
}

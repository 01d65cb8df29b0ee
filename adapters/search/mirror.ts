import type { Db, Document } from 'mongodb';
import type { SearchIndex } from '#adapters/search/port.ts';
import type { EventRow } from '#adapters/store/event-rows.ts';
import type { VenueRow } from '#adapters/store/venue-rows.ts';
import type { SearchDocument } from '#domain/event-search.ts';

/** Statuses that the public finds. */
const found: readonly string[] = ['published', 'paused'];

type DirectoryCounts = { readonly seq: number; readonly counts: { readonly available: number } };

/** Nothing is known of the seats before the directory's first refresh. */
const availableOf = (row: DirectoryCounts): number | null =>
  row.seq === 0 ? null : row.counts.available;

/**
 * What search documents are put together from: published events, their venues, the directory's
 * counts. Follows the rows of these collections and tells the index what that means for it.
 */
export class CatalogueMirror {
  readonly #db: Db;
  readonly #index: SearchIndex;
  #events = new Map<string, EventRow>();
  #venues = new Map<string, VenueRow>();
  #available = new Map<string, number | null>();

  constructor(db: Db, index: SearchIndex) {
    this.#db = db;
    this.#index = index;
  }

  /** Reads everything and swaps the index's content. */
  async load(): Promise<void> {
    const [events, venues, available] = [new Map(), new Map(), new Map()] as [
      Map<string, EventRow>,
      Map<string, VenueRow>,
      Map<string, number | null>,
    ];
    for await (const row of this.#db.collection<VenueRow>('venues').find()) {
      venues.set(row._id, row);
    }
    const published = { status: { $in: found as EventRow['status'][] } };
    const options = { projection: { changes: 0, changeResults: 0 } };
    for await (const row of this.#db.collection<EventRow>('events').find(published, options)) {
      events.set(row._id, row);
    }
    const counted = { projection: { seq: 1, counts: 1 } };
    const rows = this.#db.collection<DirectoryCounts & { _id: string }>('inventories');
    for await (const row of rows.find({}, counted)) available.set(row._id, availableOf(row));
    [this.#events, this.#venues, this.#available] = [events, venues, available];
    const documents = [...events.values()].map((row) => this.#document(row));
    await this.#index.replaceAll(documents.filter((document) => document !== undefined));
  }

  /** A row as it is after a change; undefined or null: it is gone. */
  async apply(collection: string, id: string, row: Document | null | undefined): Promise<void> {
    if (collection === 'events') await this.#applyEvent(id, row as EventRow | null | undefined);
    else if (collection === 'venues') await this.#applyVenue(id, row as VenueRow | null);
    else await this.#applyCounts(id, row as DirectoryCounts | null);
  }

  async #applyEvent(id: string, row: EventRow | null | undefined): Promise<void> {
    if (row === null || row === undefined || !found.includes(row.status)) {
      this.#events.delete(id);
      return this.#index.remove(id);
    }
    this.#events.set(id, row);
    await this.#put(row);
  }

  async #applyVenue(id: string, row: VenueRow | null | undefined): Promise<void> {
    if (row === null || row === undefined) return;
    this.#venues.set(id, row);
    for (const event of this.#events.values()) {
      if (event.venueId === id) await this.#put(event);
    }
  }

  async #applyCounts(id: string, row: DirectoryCounts | null | undefined): Promise<void> {
    const available = row === null || row === undefined ? null : availableOf(row);
    if (this.#available.get(id) === available) return;
    this.#available.set(id, available);
    await this.#index.setAvailable(id, available);
  }

  async #put(row: EventRow): Promise<void> {
    const document = this.#document(row);
    if (document !== undefined) await this.#index.put(document);
  }

  #document(row: EventRow): SearchDocument | undefined {
    const venue = this.#venues.get(row.venueId);
    if (venue === undefined) return undefined;
    const amounts = row.prices.map(({ amount }) => amount);
    return {
      eventId: row._id,
      status: row.status,
      title: row.title,
      category: row.category,
      performers: row.performers,
      startsAt: row.startsAt,
      endsAt: row.endsAt,
      opensAt: row.opensAt,
      closesAt: row.closesAt,
      zone: row.zone,
      currency: row.currency,
      priceFrom: Math.min(...amounts),
      priceTo: Math.max(...amounts),
      venue: {
        venueId: venue._id,
        name: venue.name,
        city: venue.city,
        country: venue.country,
        ...(venue.zip === undefined ? {} : { zip: venue.zip }),
        ...(venue.location === undefined ? {} : { location: venue.location }),
      },
      available: this.#available.get(row._id) ?? null,
    };
  }
}

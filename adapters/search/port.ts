import type { SearchDocument, SearchQuery, SearchResult } from '#domain/event-search.ts';

/**
 * An index of published events. Fed by change-data-capture (`feed.ts`), never by whoever writes
 * events; so it is eventual, and may be rebuilt at any time.
 *
 * What `search` answers, in every implementation:
 *  - all words of `q` must match (title, performers, venue, city, zip): whole, as the beginning of a
 *    word, or misspelt in up to a quarter of its letters (words of four letters or more); case and
 *    accents do not count;
 *  - with `q` the best match first: whole before beginning before misspelt, title before performer
 *    before venue; then, and without `q`, by start, then by id. The score of an event depends on
 *    query and event alone, so a cursor stays good while events come and go: nothing that was there
 *    all the time is left out or repeated;
 *  - city and zip are compared without case, accents and double spaces;
 *  - facets count all matches, not only the page's: the 20 most frequent values, then by value.
 */
export interface SearchIndex {
  /** Adds or replaces. */
  put(document: SearchDocument): Promise<void>;
  remove(eventId: string): Promise<void>;
  /** Changes only this; an event the index does not have is left out. */
  setAvailable(eventId: string, available: number | null): Promise<void>;
  /** Swaps the whole content; searches see the old until the new is complete. */
  replaceAll(documents: Iterable<SearchDocument>): Promise<void>;
  /** Rejects with `invalid-request` for a cursor that is none. */
  search(query: SearchQuery): Promise<SearchResult>;
}

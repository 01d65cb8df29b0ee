import MiniSearch, { type SearchResult as WordMatch } from 'minisearch';
import type { SearchIndex } from '#adapters/search/port.ts';
import { type CursorPart, decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import {
  placeKey,
  type SearchDocument,
  type SearchHit,
  type SearchQuery,
  type SearchResult,
} from '#domain/event-search.ts';
import { facetOf, hitOf } from '#domain/event-search-filter.ts';

/** What a match counts, by field; see the port for the order that follows. */
const weights = { title: 8, performers: 4, venue: 2, place: 1 } as const;
type Field = keyof typeof weights;
type Words = { readonly id: string } & Readonly<Record<Field, string>>;
const fields = Object.keys(weights) as Field[];

const kinds = { whole: 1, beginning: 0.6, misspelt: 0.3 } as const;
const misspeltRatio = 0.25;
const misspeltFromLetters = 4;

const wordsOf = ({ eventId, title, performers, venue }: SearchDocument): Words => ({
  id: eventId,
  title,
  performers: performers.join(' '),
  venue: venue.name,
  place: `${venue.city} ${venue.zip ?? ''}`,
});

type Content = {
  readonly documents: Map<string, SearchDocument>;
  readonly words: MiniSearch<Words>;
};

const emptyContent = (): Content => ({
  documents: new Map(),
  words: new MiniSearch<Words>({
    fields,
    processTerm: placeKey,
    searchOptions: {
      combineWith: 'AND',
      prefix: true,
      fuzzy: (term) => (term.length >= misspeltFromLetters ? misspeltRatio : false),
    },
  }),
});

type Scored = SearchHit & { readonly score: number };

const orderOf = ({ score, document }: Scored): readonly [number, number, string] => [
  -score,
  document.startsAt,
  document.eventId,
];

function compare(a: readonly CursorPart[], b: readonly CursorPart[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] as CursorPart;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/**
 * The index that runs with nothing configured, in the memory of each process that answers searches.
 * Words are found by MiniSearch; filters and order go over all matches, which suits some ten
 * thousands of events.
 */
export class EmbeddedIndex implements SearchIndex {
  #content = emptyContent();

  async put(document: SearchDocument): Promise<void> {
    add(this.#content, document);
  }

  async remove(eventId: string): Promise<void> {
    if (this.#content.documents.delete(eventId)) this.#content.words.discard(eventId);
  }

  async setAvailable(eventId: string, available: number | null): Promise<void> {
    const document = this.#content.documents.get(eventId);
    if (document !== undefined) this.#content.documents.set(eventId, { ...document, available });
  }

  async replaceAll(documents: Iterable<SearchDocument>): Promise<void> {
    const content = emptyContent();
    for (const document of documents) add(content, document);
    this.#content = content;
  }

  async search(query: SearchQuery): Promise<SearchResult> {
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, 3);
    const matches = this.#matches(query)
      .map((hit) => ({ hit, order: orderOf(hit) }))
      .toSorted((a, b) => compare(a.order, b.order));
    const rest =
      after === undefined ? matches : matches.filter(({ order }) => compare(order, after) > 0);
    const { items, nextCursor } = pageOf(rest, query.limit, ({ order }) => order);
    return {
      hits: items.map(({ hit: { score: _, ...hit } }) => hit),
      nextCursor,
      facets: {
        category: facetOf(matches.map(({ hit }) => hit.document.category)),
        city: facetOf(matches.map(({ hit }) => hit.document.venue.city)),
      },
    };
  }

  #matches(query: SearchQuery): Scored[] {
    const { documents, words } = this.#content;
    const found: Scored[] = [];
    const take = (document: SearchDocument | undefined, score: number): void => {
      const hit = document === undefined ? undefined : hitOf(document, query);
      if (hit !== undefined) found.push({ ...hit, score });
    };
    if (query.q === undefined || query.q.trim() === '') {
      for (const document of documents.values()) take(document, 0);
    } else {
      for (const match of words.search(query.q)) take(documents.get(match.id), scoreOf(match));
    }
    return found;
  }
}

function add({ documents, words }: Content, document: SearchDocument): void {
  if (documents.has(document.eventId)) words.replace(wordsOf(document));
  else words.add(wordsOf(document));
  documents.set(document.eventId, document);
}

/** The best field and kind for each word of the query, added up; rounded so cursors compare. */
function scoreOf({ match, queryTerms }: WordMatch): number {
  let score = 0;
  for (const word of queryTerms) {
    let best = 0;
    for (const [term, where] of Object.entries(match)) {
      const kind = kindOf(word, term);
      for (const field of where) best = Math.max(best, kind * weights[field as Field]);
    }
    score += best;
  }
  return Math.round(score * 1_000) / 1_000;
}

function kindOf(word: string, term: string): number {
  if (term === word) return kinds.whole;
  return term.startsWith(word) ? kinds.beginning : kinds.misspelt;
}

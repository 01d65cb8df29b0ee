import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { EmbeddedIndex } from '#adapters/search/embedded.ts';
import { SearchFeed } from '#adapters/search/feed.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import type { UsherContext } from '#broker/call.ts';
import { type SearchItem, searchContract } from '#contracts/search.contract.ts';
import { saleStateAt } from '#domain/event.ts';
import type { SearchHit, SearchQuery } from '#domain/event-search.ts';
import { money } from '#domain/money.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Params = z.output<(typeof searchContract)['actions']['events']['params']>;

/** Finds events. Owns the search index and nothing else; writes nothing to the database. */
export function createSearchService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const index = new EmbeddedIndex();
  let feed: SearchFeed | undefined;

  return {
    name: searchContract.name,
    actions: {
      events: async ({ params }: UsherContext<Params>) => {
        const now = clock.now();
        const { hits, nextCursor, facets } = await index.search(queryOf(params, now));
        return { items: hits.map((hit) => itemOf(hit, now)), nextCursor, facets };
      },
    },

    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      const { logger } = this;
      feed = new SearchFeed({
        db,
        index,
        clock,
        warn: (message, error) => logger.warn(message, error),
      });
      await feed.start();
    },

    async stopped() {
      await feed?.stop();
      await releaseMongo(config.mongodbUri);
    },
  };
}

const dayMs = 24 * 3_600_000;
const isDay = (text: string): boolean => text.length === 10;

/** A day counts whole: `from` is its start, `to` its end. */
function queryOf({ near, from, to, available, ...plain }: Params, now: number): SearchQuery {
  const [lat, lon] = near?.split(',').map(Number) ?? [];
  return {
    ...plain,
    near: lat === undefined || lon === undefined ? undefined : { lat, lon },
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to) + (isDay(to) ? dayMs : 0),
    available: available === undefined ? undefined : available === 'true',
    now,
  };
}

function itemOf({ document, distanceKm }: SearchHit, now: number): SearchItem {
  const { currency, performers, startsAt, endsAt } = document;
  return {
    eventId: document.eventId,
    title: document.title,
    category: document.category,
    performers: [...performers],
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    zone: document.zone,
    saleState: saleStateAt(document, now),
    available: document.available,
    priceFrom: money(document.priceFrom, currency),
    priceTo: money(document.priceTo, currency),
    venue: document.venue,
    ...(distanceKm === undefined ? {} : { distanceKm }),
  };
}

import type { Service, ServiceSchema } from 'moleculer';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { VenueRow } from '#adapters/store/venue-rows.ts';
import { venuesContract } from '#contracts/venues.contract.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { VenueBook } from '#services/venues/venue-book.ts';

/** Venues: where events take place. The only writer of the collection `venues`. */
export function createVenuesService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const adapter = new MoleculerDbAdapter<VenueRow>(config.mongodbUri, 'venues', [
    { key: { organizerId: 1, _id: 1 } },
    { key: { cityKey: 1, name: 1, _id: 1 } },
    { key: { zipKey: 1, name: 1, _id: 1 } },
    { key: { name: 1, _id: 1 } },
  ]);
  let venues = adapter;
  let book: VenueBook;

  return {
    name: venuesContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        venues = bound;
      }),
      idempotencyMixin(runtime),
    ],
    actions: {
      create: (ctx) => book.create(ctx),
      list: (ctx) => book.list(ctx),
      read: (ctx) => book.read(ctx),
      patch: (ctx) => book.patch(ctx),
      search: (ctx) => book.search(ctx),
      show: (ctx) => book.show(ctx),
    },

    async started(this: Service) {
      const { once } = this as Service & WithOnce;
      book = new VenueBook({ venues, once, clock });
    },
  };
}

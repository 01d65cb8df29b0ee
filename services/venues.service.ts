import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { VenueRow } from '#adapters/store/venue-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import { type PublicVenue, type VenueView, venuesContract } from '#contracts/venues.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { isZone } from '#domain/event.ts';
import { placeKey } from '#domain/event-search.ts';
import { makeId } from '#domain/ids.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { organizerOf, owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof venuesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

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
  let once: WithOnce['once'];

  return {
    name: venuesContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        venues = bound;
      }),
      idempotencyMixin(runtime),
    ],
    actions: {
      create: (ctx: Ctx<'create'>): Promise<VenueView> =>
        once(ctx, 'venues.create', ctx.params, async ({ ulid }) => {
          const { organizerId, ...fields } = ctx.params;
          assertZone(fields.zone);
          const now = clock.now();
          const row: VenueRow = {
            _id: makeId('venue', ulid),
            organizerId: organizerOf(ctx, organizerId),
            ...fields,
            ...keysOf(fields),
            version: 1,
            createdAt: now,
            updatedAt: now,
          };
          return viewOf(await venues.insertOnce(row));
        }),

      list: async (ctx: Ctx<'list'>) => {
        const filter = ownedFilter(ctx);
        const { items, nextCursor } = await venues.page({ filter, by: '_id', ...ctx.params });
        return { items: items.map(viewOf), nextCursor };
      },

      read: async (ctx: Ctx<'read'>): Promise<VenueView> => {
        return viewOf(owned(ctx, await venues.findById(ctx.params.venueId)));
      },

      patch: async (ctx: Ctx<'patch'>): Promise<VenueView> => {
        const { venueId, version, ...changes } = ctx.params;
        assertZone(changes.zone);
        const row = owned(ctx, await venues.findById(venueId));
        const set = {
          ...changes,
          ...keysOf({ city: changes.city ?? row.city, zip: changes.zip ?? row.zip }),
          updatedAt: clock.now(),
        } as Partial<VenueRow>;
        return viewOf(await venues.updateVersioned(venueId, version, { set }));
      },

      search: async ({ params }: Ctx<'search'>) => {
        const { zip, city, limit, cursor } = params;
        const filter = {
          ...(city === undefined ? {} : { cityKey: placeKey(city) }),
          ...(zip === undefined ? {} : { zipKey: placeKey(zip) }),
        };
        const page = await venues.page({ filter, by: 'name', limit, cursor });
        return { items: page.items.map(publicViewOf), nextCursor: page.nextCursor };
      },

      show: async ({ params }: Ctx<'show'>): Promise<PublicVenue> => {
        const row = await venues.findById(params.venueId);
        if (row === null) throw new UsherError('not-found');
        return publicViewOf(row);
      },
    },

    async started(this: Service) {
      once = (this as Service & WithOnce).once;
    },
  };
}

const keysOf = ({ city, zip }: { city: string; zip?: string | undefined }) => ({
  cityKey: placeKey(city),
  zipKey: placeKey(zip ?? ''),
});

function assertZone(zone: string | undefined): void {
  if (zone === undefined || isZone(zone)) return;
  throw new UsherError('invalid-request', `zone: ${zone} is not an IANA time zone`, {
    errors: [{ path: 'zone', message: `${zone} is not an IANA time zone` }],
  });
}

export function publicViewOf(row: VenueRow): PublicVenue {
  const { _id: venueId, cityKey: _c, zipKey: _z, version: _v, ...rest } = row;
  const { createdAt: _a, updatedAt: _u, ...fields } = rest;
  return { venueId, ...fields };
}

function viewOf(row: VenueRow): VenueView {
  return {
    ...publicViewOf(row),
    version: row.version,
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

import type { z } from 'zod';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { VenueRow } from '#adapters/store/venue-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import type { PublicVenue, VenueView, venuesContract } from '#contracts/venues.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { isZone } from '#domain/event.ts';
import { placeKey } from '#domain/event-search.ts';
import { makeId } from '#domain/ids.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { organizerOf, owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof venuesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

export type VenuePorts = {
  readonly venues: MoleculerDbAdapter<VenueRow>;
  readonly once: WithOnce['once'];
  readonly clock: Runtime['clock'];
};

/** The venues: organizers write their own, everybody reads. */
export class VenueBook {
  readonly #ports: VenuePorts;

  constructor(ports: VenuePorts) {
    this.#ports = ports;
  }

  create(ctx: Ctx<'create'>): Promise<VenueView> {
    const { once, clock, venues } = this.#ports;
    return once(ctx, 'venues.create', ctx.params, async ({ ulid }) => {
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
    });
  }

  async list(ctx: Ctx<'list'>) {
    const filter = ownedFilter(ctx);
    const page = await this.#ports.venues.page({ filter, by: '_id', ...ctx.params });
    return { items: page.items.map(viewOf), nextCursor: page.nextCursor };
  }

  async read(ctx: Ctx<'read'>): Promise<VenueView> {
    return viewOf(owned(ctx, await this.#ports.venues.findById(ctx.params.venueId)));
  }

  async patch(ctx: Ctx<'patch'>): Promise<VenueView> {
    const { clock, venues } = this.#ports;
    const { venueId, version, ...changes } = ctx.params;
    assertZone(changes.zone);
    const row = owned(ctx, await venues.findById(venueId));
    const set = {
      ...changes,
      ...keysOf({ city: changes.city ?? row.city, zip: changes.zip ?? row.zip }),
      updatedAt: clock.now(),
    } as Partial<VenueRow>;
    return viewOf(await venues.updateVersioned(venueId, version, { set }));
  }

  async search({ params }: Ctx<'search'>) {
    const { zip, city, limit, cursor } = params;
    const filter = {
      ...(asked(city) ? { cityKey: placeKey(city) } : {}),
      ...(asked(zip) ? { zipKey: placeKey(zip) } : {}),
    };
    const page = await this.#ports.venues.page({ filter, by: 'name', limit, cursor });
    return { items: page.items.map(publicViewOf), nextCursor: page.nextCursor };
  }

  async show({ params }: Ctx<'show'>): Promise<PublicVenue> {
    const row = await this.#ports.venues.findById(params.venueId);
    if (row === null) throw new UsherError('not-found');
    return publicViewOf(row);
  }
}

/** A blank, as forms send it, asks nothing. */
const asked = (text: string | undefined): text is string => text !== undefined && text !== '';

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

function publicViewOf(row: VenueRow): PublicVenue {
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

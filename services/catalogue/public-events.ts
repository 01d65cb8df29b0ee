import type { z } from 'zod';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { catalogueContract } from '#contracts/catalogue.contract.ts';
import type { PublicEvent } from '#contracts/event-schemas.ts';
import { UsherError } from '#domain/errors.ts';
import { cardView, publicView } from '#services/catalogue/event-views.ts';
import { type CatalogueParts, ceilingsOf } from '#services/catalogue/parts.ts';

type Actions = (typeof catalogueContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

async function publishedEvent({ events }: CatalogueParts, eventId: string): Promise<EventRow> {
  const row = await events.findById(eventId);
  if (row === null || row.status === 'draft') throw new UsherError('not-found');
  return row;
}

/** `catalogue.event` */
export async function showEvent(parts: CatalogueParts, ctx: Ctx<'event'>): Promise<PublicEvent> {
  const { config, clock } = parts.runtime;
  const row = await publishedEvent(parts, ctx.params.eventId);
  const [venue, counts] = await Promise.all([
    call(ctx, 'venues.show', { venueId: row.venueId }),
    parts.counts.of(row._id),
  ]);
  return publicView(row, venue, counts, ceilingsOf(config.limits), clock.now());
}

/** `catalogue.currentChart`: 302 to the immutable address. */
export async function currentChart(parts: CatalogueParts, ctx: Ctx<'currentChart'>) {
  const { _id, chartVersion } = await publishedEvent(parts, ctx.params.eventId);
  const location = `/v1/events/${_id}/charts/${chartVersion}`;
  reply(ctx, { status: 302, headers: { Location: location } });
  return { location };
}

/** `catalogue.eventsOfVenue` */
export async function eventsOfVenue(parts: CatalogueParts, ctx: Ctx<'eventsOfVenue'>) {
  const { venueId, limit, cursor } = ctx.params;
  await call(ctx, 'venues.show', { venueId });
  const now = parts.runtime.clock.now();
  const filter = {
    venueId,
    status: { $in: ['published', 'paused', 'cancelled'] as const },
    endsAt: { $gt: now },
  };
  const page = await parts.events.page({ filter, by: 'startsAt', limit, cursor });
  return { items: page.items.map((row) => cardView(row, now)), nextCursor: page.nextCursor };
}

/** `catalogue.brief` */
export async function brief(parts: CatalogueParts, ctx: Ctx<'brief'>) {
  const row = await parts.events.findById(ctx.params.eventId);
  if (row === null) throw new UsherError('not-found');
  const venue = await call(ctx, 'venues.show', { venueId: row.venueId });
  return {
    eventId: row._id,
    title: row.title,
    startsAt: new Date(row.startsAt).toISOString(),
    endsAt: new Date(row.endsAt).toISOString(),
    zone: row.zone,
    venueName: venue.name,
    city: venue.city,
    organizerId: row.organizerId,
    currency: row.currency,
    status: row.status,
  };
}

/** `catalogue.chartOf` */
export async function chartOf(parts: CatalogueParts, ctx: Ctx<'chartOf'>) {
  const { chartId, chartVersion } = await publishedEvent(parts, ctx.params.eventId);
  if (chartVersion !== ctx.params.version) throw new UsherError('not-found');
  return { chartId, chartVersion };
}

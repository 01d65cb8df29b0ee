import { z } from 'zod';
import { id, moneySchema, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { eventCategories, saleStates } from '#domain/event.ts';

/** A day (`2026-05-01`, from its start in UTC) or a moment. */
const when = z.union([z.iso.date(), timestamp]);

const near = z
  .string()
  .regex(/^-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?$/, 'must be latitude,longitude in degrees')
  .refine((text) => {
    const [lat, lon] = text.split(',').map(Number);
    return Math.abs(lat ?? 91) <= 90 && Math.abs(lon ?? 181) <= 180;
  }, 'must lie on the globe');

const facet = z.array(z.object({ value: z.string(), count: z.int() }));

const searchItem = z.object({
  eventId: id('event'),
  title: z.string(),
  category: z.enum(eventCategories),
  performers: z.array(z.string()),
  startsAt: timestamp,
  endsAt: timestamp,
  zone: z.string(),
  saleState: z.enum(saleStates),
  available: z.int().nullable().describe('Places left, up to two seconds old; null: not known yet'),
  priceFrom: moneySchema,
  priceTo: moneySchema,
  venue: z.object({
    venueId: id('venue'),
    name: z.string(),
    city: z.string(),
    zip: z.string().optional(),
    country: z.string(),
    location: z.object({ lat: z.number(), lon: z.number() }).optional(),
  }),
  distanceKm: z.number().optional().describe('With `near`'),
});
export type SearchItem = z.infer<typeof searchItem>;

export const searchContract = service({
  name: 'search',
  actions: {
    events: action({
      summary: 'Finds published events; eventual, at most two seconds behind',
      params: z.strictObject({
        q: z
          .string()
          .trim()
          .max(200)
          .optional()
          .describe('Words of title, performers, venue, city'),
        city: z.string().trim().max(100).optional(),
        zip: z.string().trim().max(20).optional(),
        near: near.optional(),
        radiusKm: z.coerce.number().positive().max(20_000).optional().describe('Default 50'),
        from: when.optional().describe('Starts at or after; default: not over yet'),
        to: when.optional().describe('Starts before; a day counts whole'),
        category: z.enum(eventCategories).optional(),
        minPrice: z.coerce.number().int().min(0).optional().describe('Minor units'),
        maxPrice: z.coerce.number().int().min(0).optional().describe('Minor units'),
        available: z
          .enum(['true', 'false'])
          .optional()
          .describe('`true`: on sale with places left'),
        ...pageParams,
      }),
      result: page(searchItem).extend({
        facets: z.object({ category: facet, city: facet }),
      }),
      errors: ['unavailable'],
      http: {
        method: 'GET',
        path: '/v1/events',
        query: [
          'q',
          'city',
          'zip',
          'near',
          'radiusKm',
          'from',
          'to',
          'category',
          'minPrice',
          'maxPrice',
          'available',
          'limit',
          'cursor',
        ],
        success: 200,
        access: 'public',
        tag: 'Events',
        cacheControl: 'public, max-age=2',
      },
    }),
  },
});

import { z } from 'zod';
import { id, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';

const location = z.strictObject({
  lat: z.number().min(-90).max(90),
  lon: z.number().min(-180).max(180),
});

const fields = {
  name: z.string().trim().min(1).max(200),
  address: z.string().trim().max(300).optional(),
  city: z.string().trim().min(1).max(100),
  zip: z.string().trim().max(20).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166 code of two capitals')
    .describe('ISO 3166-1 alpha-2'),
  location: location.optional(),
  zone: z.string().max(60).optional().describe('IANA time zone of the place'),
  description: z.string().max(5_000).optional(),
};

const venueView = z.object({
  venueId: id('venue'),
  organizerId: id('organizer'),
  ...fields,
  version: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type VenueView = z.infer<typeof venueView>;

/** What the public sees of a venue. */
export const publicVenue = venueView.omit({ version: true, createdAt: true, updatedAt: true });
export type PublicVenue = z.infer<typeof publicVenue>;

const organizerHttp = { access: 'organizer', tag: 'Venues' } as const;

export const venuesContract = service({
  name: 'venues',
  actions: {
    create: action({
      summary: 'Creates a venue of an organizer',
      params: z.strictObject({
        organizerId: id('organizer')
          .optional()
          .describe('Needed only by who acts for several organizers'),
        ...fields,
      }),
      result: venueView,
      errors: ['forbidden', 'not-found'],
      http: {
        method: 'POST',
        path: '/v1/organizer/venues',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
      },
    }),
    list: action({
      summary: 'Venues of the organizers the caller acts for',
      params: z.strictObject(pageParams),
      result: page(venueView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/venues',
        query: ['limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    read: action({
      summary: "One of the caller's venues",
      params: z.strictObject({ venueId: id('venue') }),
      result: venueView,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/organizer/venues/{venueId}',
        success: 200,
        ...organizerHttp,
      },
    }),
    patch: action({
      summary: 'Changes a venue; refused when `version` is not the newest',
      params: z.strictObject({
        venueId: id('venue'),
        version: z.int().min(1),
        ...z.strictObject(fields).partial().shape,
      }),
      result: venueView,
      errors: ['not-found', 'stale-version'],
      http: {
        method: 'PATCH',
        path: '/v1/organizer/venues/{venueId}',
        success: 200,
        ...organizerHttp,
      },
    }),
    search: action({
      summary: 'Venues in a city or at a zip code, by name',
      params: z.strictObject({
        zip: z.string().trim().max(20).optional(),
        city: z.string().trim().max(100).optional(),
        ...pageParams,
      }),
      result: page(publicVenue),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/venues',
        query: ['zip', 'city', 'limit', 'cursor'],
        success: 200,
        access: 'public',
        tag: 'Venues',
        cacheControl: 'public, max-age=30',
      },
    }),
    show: action({
      summary: 'A venue',
      params: z.strictObject({ venueId: id('venue') }),
      result: publicVenue,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/venues/{venueId}',
        success: 200,
        access: 'public',
        tag: 'Venues',
        cacheControl: 'public, max-age=30',
      },
    }),
  },
});

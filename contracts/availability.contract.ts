import { z } from 'zod';
import { countsSchema, id } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';

const eventParams = z.strictObject({ eventId: id('event') });

/** What everybody may see of an event's seats. Views come from committed facts only. */
export const availabilityContract = service({
  name: 'availability',
  actions: {
    get: action({
      summary: 'The status of every place of an event at one version',
      params: eventParams,
      result: z.object({
        version: z.int().describe('Grows with every committed change; also the ETag'),
        chartVersion: z.int(),
        sale: z.enum(['open', 'paused', 'cancelled', 'ended']),
        counts: countsSchema,
        seats: z
          .string()
          .describe(
            'base64 of two bits a place in index order, lowest bits first: ' +
              '0 available, 1 reserved, 2 sold, 3 blocked',
          ),
      }),
      errors: ['not-found', 'moving', 'overloaded', 'unavailable'],
      placement: 'local',
      http: {
        method: 'GET',
        path: '/v1/events/{eventId}/availability',
        success: 200,
        access: 'public',
        cacheControl: 'public, max-age=1, s-maxage=2, stale-while-revalidate=5',
        otherStatuses: { 304: 'Not changed since the version named in If-None-Match' },
        tag: 'Events',
      },
    }),
    stream: action({
      summary: 'Server-sent events: `snapshot`, then `delta` and `sale`; the id is the version',
      params: eventParams,
      result: z.string(),
      errors: ['not-found', 'moving', 'overloaded', 'unavailable'],
      placement: 'local',
      http: {
        method: 'GET',
        path: '/v1/events/{eventId}/stream',
        success: 200,
        access: 'public',
        mediaType: 'text/event-stream',
        tag: 'Events',
      },
    }),
  },
});

import { z } from 'zod';
import { id, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { eventCard, eventFields, eventView, publicEvent } from '#contracts/event-schemas.ts';
import { priceChange } from '#contracts/price-rules.ts';
import { eventStatuses } from '#domain/event.ts';

const organizerHttp = { access: 'organizer', tag: 'Organizer events' } as const;
const eventId = id('event');
const chartVersion = z.int().min(1);

/** The most seats one block or unblock may name. */
const seatsPerBlockMax = 2_000;

/**
 * A change that reaches the seats is answered once they have it: 200, or 202 with `pending: true`
 * when that takes longer than the caller waits; it is then still made, in order.
 */
const changed = eventView.extend({ pending: z.boolean() });

const move = (verb: 'publish' | 'pause' | 'resume' | 'cancel', summary: string) =>
  action({
    summary,
    params: z.strictObject({ eventId }),
    result: changed,
    errors: ['not-found', 'state-forbids', 'stale-version'],
    http: {
      method: 'POST',
      path: `/v1/organizer/events/{eventId}/${verb}`,
      success: 200,
      idempotency: 'accepted',
      otherStatuses: { 202: 'Stored; the seats do not have it yet' },
      ...organizerHttp,
    },
  });

const blocking = (verb: 'block' | 'unblock', summary: string) =>
  action({
    summary,
    params: z.strictObject({
      eventId,
      seats: z.array(z.string().min(1).max(1_000)).min(1).max(seatsPerBlockMax),
    }),
    result: z.object({
      eventId,
      pending: z.boolean(),
      skipped: z.array(z.string()).describe('Seats that are held or sold, or unknown'),
    }),
    errors: ['not-found', 'state-forbids', 'stale-version'],
    http: {
      method: 'POST',
      path: `/v1/organizer/events/{eventId}/${verb}`,
      success: 200,
      idempotency: 'accepted',
      otherStatuses: { 202: 'Stored; the seats do not have it yet' },
      ...organizerHttp,
    },
  });

export const catalogueContract = service({
  name: 'catalogue',
  actions: {
    event: action({
      summary: 'An event with its venue, prices, state of sale and counts',
      params: z.strictObject({ eventId }),
      result: publicEvent,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/events/{eventId}',
        success: 200,
        access: 'public',
        tag: 'Events',
        cacheControl: 'public, max-age=2',
        otherStatuses: { 304: 'Not modified' },
      },
    }),
    currentChart: action({
      summary: "Redirects to the current version of the event's chart",
      params: z.strictObject({ eventId }),
      result: z.object({ location: z.string() }),
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/events/{eventId}/chart',
        success: 302,
        access: 'public',
        tag: 'Events',
        cacheControl: 'public, max-age=2',
      },
    }),
    eventsOfVenue: action({
      summary: 'Coming events at a venue, soonest first',
      params: z.strictObject({ venueId: id('venue'), ...pageParams }),
      result: page(eventCard),
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/venues/{venueId}/events',
        query: ['limit', 'cursor'],
        success: 200,
        access: 'public',
        tag: 'Venues',
        cacheControl: 'public, max-age=10',
      },
    }),
    createEvent: action({
      summary: 'Creates an event as a draft',
      params: z.strictObject({
        venueId: id('venue'),
        chartId: id('chart'),
        chartVersion: chartVersion.optional().describe('Default: the newest'),
        ...eventFields,
      }),
      result: eventView,
      errors: ['not-found'],
      http: {
        method: 'POST',
        path: '/v1/organizer/events',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
      },
    }),
    patchEvent: action({
      summary: 'Changes an event; refused when `version` is not the newest',
      params: z.strictObject({
        eventId,
        version: z.int().min(1),
        chartId: id('chart').optional(),
        chartVersion: chartVersion.optional(),
        ...patchable(),
      }),
      result: changed,
      errors: ['not-found', 'stale-version', 'state-forbids'],
      http: {
        method: 'PATCH',
        path: '/v1/organizer/events/{eventId}',
        success: 200,
        otherStatuses: { 202: 'Stored; the seats do not have it yet' },
        ...organizerHttp,
      },
    }),
    organizerEvent: action({
      summary: "One of the caller's events",
      params: z.strictObject({ eventId }),
      result: eventView,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/organizer/events/{eventId}',
        success: 200,
        ...organizerHttp,
      },
    }),
    organizerEvents: action({
      summary: 'Events of the organizers the caller acts for, newest first',
      params: z.strictObject({ status: z.enum(eventStatuses).optional(), ...pageParams }),
      result: page(eventView),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/organizer/events',
        query: ['status', 'limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    publish: move('publish', 'Opens the seats of a draft; on sale from its opening time on'),
    pause: move('pause', 'Stops new holds for now'),
    resume: move('resume', 'Sells again after a pause'),
    cancel: move('cancel', 'Cancels the event: no seat is held or sold any more'),
    postpone: action({
      summary: 'Gives a published event another date; buyers are told and their tickets stay valid',
      params: z.strictObject({
        eventId,
        startsAt: timestamp,
        endsAt: timestamp,
        refundUntil: timestamp
          .optional()
          .describe('Until then tickets return all that was paid; absent: as the refund rules say'),
      }),
      result: changed,
      errors: ['not-found', 'state-forbids', 'stale-version'],
      http: {
        method: 'POST',
        path: '/v1/organizer/events/{eventId}/postpone',
        success: 200,
        idempotency: 'accepted',
        otherStatuses: { 202: 'Stored; the seats do not have it yet' },
        ...organizerHttp,
      },
    }),
    block: blocking('block', 'Takes seats off the sale; held and sold ones are named and skipped'),
    unblock: blocking('unblock', 'Puts blocked seats back on sale'),
    priceHistory: action({
      summary: 'How the prices of an event changed and why, newest first',
      params: z.strictObject({ eventId, ...pageParams }),
      result: page(priceChange),
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/organizer/events/{eventId}/price-history',
        query: ['limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    reprice: action({
      summary: 'Holds the prices of events that are on sale to their rules, one page of events',
      params: z.object({
        limit: z.int().min(1).max(500).default(50),
        cursor: z.string().optional(),
      }),
      result: z.object({
        looked: z.int(),
        changed: z.int().describe('Prices'),
        failed: z.int().describe('Events that could not be looked at'),
        nextCursor: z.string().nullable(),
      }),
      errors: ['unavailable'],
      timeoutMs: 60_000,
    }),
    brief: action({
      summary: 'What other services tell people about an event, whatever its status',
      params: z.object({ eventId }),
      result: z.object({
        eventId,
        title: z.string(),
        startsAt: timestamp,
        endsAt: timestamp,
        zone: z.string(),
        venueName: z.string(),
        city: z.string(),
        organizerId: id('organizer'),
        currency: z.string(),
        status: z.enum(eventStatuses),
      }),
      errors: ['not-found'],
    }),
    chartOf: action({
      summary: 'Which chart stands behind a version of an event; unpublished events have none',
      params: z.object({ eventId, version: z.int().min(1) }),
      result: z.object({ chartId: id('chart'), chartVersion: z.int() }),
      errors: ['not-found'],
    }),
  },
});

/** Every field on its own, without the defaults that creating fills in. */
function patchable() {
  const { performers, fees, taxes, pricing, sale, limits, refundRules, ...plain } = eventFields;
  return {
    ...z.strictObject(plain).partial().shape,
    performers: performers.unwrap().optional(),
    fees: fees.unwrap().optional(),
    pricing: pricing.unwrap().optional(),
    taxes: taxes.unwrap().optional(),
    sale: sale.unwrap().optional(),
    limits: limits.unwrap().optional(),
    refundRules: refundRules.unwrap().optional(),
  };
}

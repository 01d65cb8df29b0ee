import { z } from 'zod';
import { id, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { geometryText } from '#contracts/geometry.ts';
import { chartAdditions, pretixPlan } from '#contracts/pretix-plan.ts';
import { limits } from '#domain/limits.ts';

/** A chart as it comes in: exactly one of `plan` (with its `additions`) and `text`. */
const source = {
  name: z.string().min(1).max(200).optional().describe("Default: the plan's own"),
  plan: pretixPlan.optional().describe('A seating plan in the pretix JSON format'),
  additions: chartAdditions.optional().describe('What the pretix format cannot hold'),
  text: z
    .string()
    .max(limits.chartBodyBytesMax)
    .optional()
    .describe('The compact text form (docs/charts.md)'),
};

const version = z.coerce.number().int().min(1);
const versionParams = z.strictObject({ chartId: id('chart'), version });

const chartSummary = z.object({
  chartId: id('chart'),
  organizerId: id('organizer'),
  venueId: id('venue'),
  name: z.string(),
  version: z.int().describe('Newest version'),
  places: z.int(),
  seats: z.int(),
  areas: z.array(z.object({ id: z.string(), name: z.string(), capacity: z.int() })),
  categories: z.array(z.object({ name: z.string(), color: z.string().optional() })),
  createdAt: timestamp,
  updatedAt: timestamp,
});

/** An imported chart, with what an importer should look at though it forbids nothing. */
const imported = chartSummary.extend({
  warnings: z.array(z.object({ path: z.string(), message: z.string() })),
});

const organizerHttp = { access: 'organizer', tag: 'Charts' } as const;
const upload = { bodyBytesMax: limits.chartBodyBytesMax } as const;

/**
 * Seating charts. A chart does not fit one message between nodes, so this service runs where HTTP
 * arrives and its large actions are always local.
 */
export const chartsContract = service({
  name: 'charts',
  actions: {
    import: action({
      summary: 'Makes a chart of a venue from a pretix plan or from text',
      params: z.strictObject({ venueId: id('venue'), ...source }),
      result: imported,
      errors: ['invalid-chart', 'not-found', 'body-too-large'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'POST',
        path: '/v1/organizer/charts',
        success: 201,
        idempotency: 'accepted',
        ...organizerHttp,
        ...upload,
      },
    }),
    revise: action({
      summary: 'Adds a version to a chart; `version` is the newest the caller knows',
      params: z.strictObject({ chartId: id('chart'), version, ...source }),
      result: imported,
      errors: ['invalid-chart', 'not-found', 'stale-version', 'body-too-large'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'POST',
        path: '/v1/organizer/charts/{chartId}/versions',
        success: 201,
        ...organizerHttp,
        ...upload,
      },
    }),
    list: action({
      summary: 'Charts of the organizers the caller acts for',
      params: z.strictObject({ venueId: id('venue').optional(), ...pageParams }),
      result: page(chartSummary),
      errors: [],
      placement: 'local',
      http: {
        method: 'GET',
        path: '/v1/organizer/charts',
        query: ['venueId', 'limit', 'cursor'],
        success: 200,
        ...organizerHttp,
      },
    }),
    read: action({
      summary: 'A chart without its places',
      params: z.strictObject({ chartId: id('chart') }),
      result: chartSummary,
      errors: ['not-found'],
      placement: 'local',
      http: {
        method: 'GET',
        path: '/v1/organizer/charts/{chartId}',
        success: 200,
        ...organizerHttp,
      },
    }),
    exportPlan: action({
      summary: 'A version in the pretix JSON format',
      params: versionParams,
      result: z.custom<object>(),
      errors: ['not-found'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'GET',
        path: '/v1/organizer/charts/{chartId}/versions/{version}/pretix',
        success: 200,
        ...organizerHttp,
      },
    }),
    exportAdditions: action({
      summary: 'What a version holds beyond the pretix format; imported beside the plan',
      params: versionParams,
      result: chartAdditions,
      errors: ['not-found'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'GET',
        path: '/v1/organizer/charts/{chartId}/versions/{version}/additions',
        success: 200,
        ...organizerHttp,
      },
    }),
    exportText: action({
      summary: 'A version in the text form; `lost` names what that form cannot hold',
      params: versionParams,
      result: z.object({ text: z.string(), lost: z.array(z.string()) }),
      errors: ['not-found'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'GET',
        path: '/v1/organizer/charts/{chartId}/versions/{version}/text',
        success: 200,
        ...organizerHttp,
      },
    }),
    geometry: action({
      summary: 'Every place of an event with its coordinates, in index order; immutable',
      params: z.strictObject({ eventId: id('event'), version }),
      result: geometryText,
      errors: ['not-found'],
      placement: 'local',
      timeoutMs: 15_000,
      http: {
        method: 'GET',
        path: '/v1/events/{eventId}/charts/{version}',
        success: 200,
        access: 'public',
        tag: 'Events',
        cacheControl: 'public, max-age=31536000, immutable',
        mediaType: 'application/json',
      },
    }),
    layout: action({
      summary: 'The packed layout of a version, for terms; with its categories',
      params: versionParams,
      result: z.object({
        layout: z.string(),
        places: z.int(),
        venueId: id('venue'),
        organizerId: id('organizer'),
        categories: z.array(z.object({ name: z.string(), color: z.string().optional() })),
      }),
      errors: ['not-found'],
      placement: 'local',
    }),
  },
});

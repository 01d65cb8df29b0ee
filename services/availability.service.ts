import type { Context, Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { every } from '#actors/every.ts';
import type { Cancel } from '#adapters/clock/port.ts';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import { registerStream, type StreamRequest } from '#broker/streams.ts';
import { availabilityContract } from '#contracts/availability.contract.ts';
import type { Delta } from '#domain/availability.ts';
import { deadlineOf } from '#mixins/caller.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { shownAvailability } from '#mixins/views/availability-json.ts';
import { EventStreams, lastEventId } from '#mixins/views/event-streams.ts';
import { ViewCache } from '#mixins/views/view-cache.ts';

type Params = z.output<(typeof availabilityContract)['actions']['get']['params']>;

/**
 * What everybody may see of events' seats, on every gateway: from a cache of views that the owners
 * keep fresh, as a whole (`get`) and step by step (`stream`).
 */
export function createAvailabilityService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const { limits } = config;
  const streams = new EventStreams(limits);
  const stops: Cancel[] = [];
  let views: ViewCache;

  const stream = async (request: StreamRequest): Promise<void> => {
    streams.assertRoom();
    const { eventId } = request.params as Params;
    const deadline = clock.now() + limits.callTimeoutMs;
    const known = lastEventId(request.request);
    let view = await views.read(eventId, deadline);
    // The reader was at a gateway that is ahead of this one.
    if (known !== undefined && known > view.version) view = await views.refetch(eventId, deadline);
    streams.add(request, view, known === undefined ? undefined : views.since(eventId, known));
  };

  return {
    name: availabilityContract.name,

    created(this: Service) {
      const inventory = inventoryClientOf(this.broker, runtime);
      const fetch = (eventId: string, deadline: number) => inventory.view(eventId, deadline);
      views = new ViewCache(fetch, streams, clock, limits);
    },

    actions: {
      get: async (ctx: UsherContext<Params>) => {
        const deadline = deadlineOf(ctx, clock.now(), limits.callTimeoutMs);
        const view = await views.read(ctx.params.eventId, deadline);
        const { result, json } = shownAvailability(view);
        reply(ctx, { headers: { ETag: `"${view.version}"` }, json });
        return result;
      },
    },

    events: {
      'inventory.changed': (ctx: Context<Delta>) => views.heard(ctx.params),
    },

    async started(this: Service) {
      stops.push(registerStream(this.broker, `${availabilityContract.name}.stream`, stream));
      const failed = (error: unknown) => this.logger.error('views failed', error);
      stops.push(every(clock, limits.versionRepeatMs, () => views.sweep(), failed));
      stops.push(every(clock, limits.streamHeartbeatMs, () => streams.beat(), failed));
    },

    async stopped() {
      for (const stop of stops.splice(0)) stop();
      streams.close();
    },
  };
}

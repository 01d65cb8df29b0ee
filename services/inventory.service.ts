import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { Host } from '#actors/host.ts';
import type { CommandReply } from '#actors/mailbox.ts';
import type { UsherContext } from '#broker/call.ts';
import { inventoryContract } from '#contracts/inventory.contract.ts';
import { type ErrorCode, UsherError } from '#domain/errors.ts';
import { eventActorsMixin, type WithActors } from '#mixins/event-actors.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof inventoryContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
const actorsOf = (service: Service): Host => (service as Service & WithActors).actors;

/** The seats of events: one actor per event, on one of the nodes that run this service. */
export function createInventoryService(runtime: Runtime): ServiceSchema {
  return {
    name: inventoryContract.name,
    mixins: [eventActorsMixin(runtime)],
    actions: {
      async execute(this: Service, { params }: Ctx<'execute'>) {
        const { eventId, commands, suspect } = params;
        if (commands.some((command) => command.eventId !== eventId)) {
          throw new UsherError('invalid-request', 'a command of another event');
        }
        const replies = await actorsOf(this).execute(eventId, commands, suspect);
        throwIfUndecided(replies);
        return { replies };
      },

      view(this: Service, { params: { eventId, suspect } }: Ctx<'view'>) {
        return reachable(actorsOf(this).view(eventId, suspect));
      },

      async wake(this: Service, { params: { eventId } }: Ctx<'wake'>) {
        return { owner: await reachable(actorsOf(this).wake(eventId)) };
      },

      async orphans(this: Service, { params: { limit } }: Ctx<'orphans'>) {
        return { events: await reachable(actorsOf(this).orphans(limit)) };
      },

      async forgettable(this: Service, { params: { limit } }: Ctx<'forgettable'>) {
        return { events: await reachable(actorsOf(this).forgettable(limit)) };
      },

      async inspect(this: Service, { params: { eventId } }: Ctx<'inspect'>) {
        const found = await reachable(actorsOf(this).inspect(eventId));
        if (found === undefined) throw new UsherError('not-found', 'No such event was ever opened');
        return found;
      },

      list(this: Service) {
        return { nodeId: actorsOf(this).nodeId, events: actorsOf(this).list() };
      },

      async drain(this: Service) {
        return { handedOver: await actorsOf(this).drain() };
      },
    },
  };
}

const undecided: ReadonlySet<ErrorCode> = new Set(['moved', 'unavailable']);

/** A message of which nothing was decided fails as a whole. */
function throwIfUndecided(replies: readonly CommandReply[]): void {
  const [first] = replies;
  if (first === undefined || first.ok || !undecided.has(first.code)) return;
  if (replies.some((reply) => reply.ok || reply.code !== first.code)) return;
  throw new UsherError(first.code, first.detail, first.data);
}

/** A database that does not answer is `unavailable`, not a fault of ours. */
async function reachable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof UsherError) throw error;
    throw new UsherError('unavailable', 'The database does not answer');
  }
}

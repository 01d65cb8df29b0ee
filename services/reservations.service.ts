import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { reservationsContract } from '#contracts/reservations.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { reservationOf, wantOf } from '#domain/reservation.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof reservationsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/**
 * Holds of seats over HTTP, on every gateway. Keeps nothing: a request becomes one command of the
 * event's actor, whose id comes from caller, route, event and Idempotency-Key, so that a repeated
 * request meets its own hold on whichever gateway it arrives.
 */
export function createReservationsService(runtime: Runtime): ServiceSchema {
  const { clock, ids, config } = runtime;
  let inventory: InventoryPort;
  const deadline = (ctx: UsherContext): number =>
    deadlineOf(ctx, clock.now(), config.limits.callTimeoutMs);

  /** The command about a hold of the caller; `id` matters only where it must be recognised. */
  const about = <K extends 'read-hold' | 'extend' | 'release'>(
    kind: K,
    ctx: UsherContext<{ reservationId: string }>,
    id: string = ids.ulid(),
  ) => {
    const holdId = ctx.params.reservationId;
    const eventId = eventIdOf(holdId);
    if (eventId === undefined) throw new UsherError('not-found');
    const buyerId = callerOf(ctx).userId;
    return { kind, id, eventId, holdId, buyerId, deadline: deadline(ctx) };
  };

  return {
    name: reservationsContract.name,

    created(this: Service) {
      inventory = inventoryClientOf(this.broker, runtime);
    },

    actions: {
      reserve: async (ctx: Ctx<'reserve'>) => {
        const hold = await inventory.execute<'hold'>(holdCommand(ctx, deadline(ctx)));
        if (hold.replayed) reply(ctx, { headers: { 'Idempotent-Replayed': 'true' } });
        return reservationOf(hold);
      },

      get: async (ctx: Ctx<'get'>) =>
        reservationOf(await inventory.execute<'read-hold'>(about('read-hold', ctx))),

      extend: async (ctx: Ctx<'extend'>) => {
        const command = about('extend', ctx, extensionId(ctx));
        return reservationOf(await inventory.execute<'extend'>(command));
      },

      release: async (ctx: Ctx<'release'>): Promise<null> => {
        await inventory.execute<'release'>(about('release', ctx));
        return null;
      },
    },
  };
}

function holdCommand(ctx: Ctx<'reserve'>, deadline: number): CommandOf<'hold'> {
  const { params, meta } = ctx;
  const buyerId = callerOf(ctx).userId;
  const { eventId } = params;
  if (meta.idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  const scope = { buyerId, route: 'reserve', eventId, key: meta.idempotencyKey };
  const id = deriveCommandId(scope);
  return {
    kind: 'hold',
    id,
    eventId,
    holdId: holdIdOf(eventId, id),
    fingerprint: fingerprintOf(params),
    buyerId,
    channel: 'public',
    want: wantOf(params),
    deadline,
  };
}

/** With a key, the same extension of the same hold has the same id. */
function extensionId(ctx: Ctx<'extend'>): string | undefined {
  const { idempotencyKey } = ctx.meta;
  if (idempotencyKey === undefined) return undefined;
  const { reservationId } = ctx.params;
  return deriveCommandId({
    buyerId: callerOf(ctx).userId,
    route: `extend ${reservationId}`,
    eventId: eventIdOf(reservationId) ?? '',
    key: idempotencyKey,
  });
}

import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { PayoutReader } from '#adapters/store/payouts.ts';
import { TillReader } from '#adapters/store/tills.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { boxOfficeContract } from '#contracts/box-office.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { eventIdOf } from '#domain/ids.ts';
import { callerOf } from '#mixins/caller.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import { sellsFor } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { type Counter, quoteOver, sellOver } from '#services/box-office/selling.ts';
import { tillReport } from '#services/box-office/tills.ts';

type Actions = (typeof boxOfficeContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Sales over the counter. Owns nothing: bookings and ledger are the bookings service's. */
export function createBoxOfficeService(runtime: Runtime): ServiceSchema {
  const { config, clock, ids } = runtime;
  let counter: Counter;
  let payouts: PayoutReader;
  let once: WithOnce['once'];

  /** Rejects with `not-found` where the caller does not sell. */
  const mayServe = async (ctx: UsherContext, eventId: string | undefined): Promise<string> => {
    const organizerId = eventId && (await counter.tills.organizerOf(eventId));
    if (organizerId === undefined || organizerId === '') throw new UsherError('not-found');
    if (!sellsFor(callerOf(ctx), organizerId)) throw new UsherError('not-found');
    return callerOf(ctx).userId;
  };
  const mayServeSale = (ctx: UsherContext<{ readonly bookingId: string }>) =>
    mayServe(ctx, eventIdOf(ctx.params.bookingId));

  return {
    name: boxOfficeContract.name,
    mixins: [inventoryClientMixin(runtime), idempotencyMixin(runtime)],
    actions: {
      sell: async (ctx: Ctx<'sell'>) => {
        await mayServe(ctx, ctx.params.eventId);
        return once(ctx, 'box-office.sell', ctx.params, ({ ulid }) => sellOver(counter, ctx, ulid));
      },

      quote: async (ctx: Ctx<'quote'>) => {
        await mayServe(ctx, ctx.params.eventId);
        return quoteOver(counter, ctx, ids.ulid());
      },

      sale: async (ctx: Ctx<'sale'>) => {
        await mayServeSale(ctx);
        return call(ctx, 'bookings.sale', ctx.params);
      },

      cancel: async (ctx: Ctx<'cancel'>) => {
        const staffId = await mayServeSale(ctx);
        return once(ctx, 'box-office.cancel', ctx.params, ({ ulid: key }) =>
          call(ctx, 'bookings.cancelSale', { ...ctx.params, staffId, key }),
        );
      },

      paidOut: async (ctx: Ctx<'paidOut'>) => {
        const staffId = await mayServeSale(ctx);
        return call(ctx, 'bookings.paidOut', { ...ctx.params, staffId });
      },

      till: (ctx: Ctx<'till'>) => tillReport({ tills: counter.tills, payouts, clock }, ctx),
    },

    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      const { inventory, once: run } = this as Service & WithInventory & WithOnce;
      counter = { inventory, tills: new TillReader(db), clock, limits: config.limits };
      payouts = new PayoutReader(db);
      once = run;
    },

    async stopped() {
      await releaseMongo(config.mongodbUri);
    },
  };
}

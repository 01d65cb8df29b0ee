import type { Service, ServiceSchema } from 'moleculer';
import { IdempotencyStore } from '#adapters/store/idempotency.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import type { UsherContext } from '#broker/call.ts';
import { Once, type Run } from '#mixins/once.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** What a service with the mixin has, from its `started` on. */
export type WithOnce = {
  /**
   * Runs a request once per Idempotency-Key (scope: caller + `route`; `body`: what must be the same
   * for the key to fit). See `Once.run` for what it answers and rejects with.
   */
  once<R>(
    ctx: UsherContext,
    route: string,
    body: unknown,
    run: (about: Run) => Promise<R>,
  ): Promise<R>;
};

/** Gives a service `this.once(ctx, route, body, run)`, to be put around a creating action. */
export function idempotencyMixin({ clock, ids, config }: Runtime): Partial<ServiceSchema> {
  return {
    async started(this: Service) {
      const store = new IdempotencyStore(await acquireMongo(config.mongodbUri), clock);
      await store.prepare();
      const once = new Once(store, clock, ids, config.limits);
      const run: WithOnce['once'] = (ctx, route, body, first) => once.run(ctx, route, body, first);
      Object.assign(this, { once: run } satisfies WithOnce);
    },

    async stopped() {
      await releaseMongo(config.mongodbUri);
    },
  };
}

import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { OfferActs } from '#adapters/store/offer-acts.ts';
import { type PackageRow, packagesCollection } from '#adapters/store/package-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import { bundlesContract } from '#contracts/bundles.contract.ts';
import { bundleFlowMixin, type WithBundles } from '#mixins/bundle-flow.mixin.ts';
import { callerOf } from '#mixins/caller.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { EventInfos } from '#services/bookings/event-info.ts';
import { promotionsOver } from '#services/bookings/offers.ts';
import { cancelBundle, previewBundle } from '#services/bundles/cancelling.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';
import { disputeBundle } from '#services/bundles/disputes.ts';
import { orderBundle, quoteBundle } from '#services/bundles/ordering.ts';
import * as book from '#services/bundles/package-book.ts';
import { bundleOfPayment } from '#services/bundles/payment.ts';
import { readBundle } from '#services/bundles/reading.ts';
import { releaseBundle, reserveBundle } from '#services/bundles/reserving.ts';
import { supportCancelBundle } from '#services/bundles/support.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Bound = Service & WithOnce & { readonly bundles: WithBundles };

/**
 * Packages and bundles: the only writer of both. The bookings of a bundle it writes together with
 * it, in their own collections and by their own rules, until they are sold or have ended.
 */
export function createBundlesService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const adapter = new MoleculerDbAdapter<PackageRow>(config.mongodbUri, packagesCollection);
  let packages = adapter;
  let desk: BundleDesk;

  return {
    name: bundlesContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        packages = bound;
      }),
      inventoryClientMixin(runtime),
      idempotencyMixin(runtime),
      bundleFlowMixin(runtime),
    ],

    async started(this: Service) {
      const { bundles, once, broker } = this as Bound;
      const acts = new OfferActs(packages.db);
      await acts.prepare();
      const events = new EventInfos(broker, clock);
      const offers = promotionsOver(broker);
      desk = { ...bundles, once, broker, packages, acts, events, offers };
    },

    actions: {
      createPackage: (ctx: Ctx<'createPackage'>) => book.createPackage(desk, ctx),
      patchPackage: (ctx: Ctx<'patchPackage'>) => book.patchPackage(desk, ctx),
      organizerPackages: (ctx: Ctx<'organizerPackages'>) => book.organizerPackages(desk, ctx),
      listPackages: (ctx: Ctx<'listPackages'>) => book.listPackages(desk, ctx),
      showPackage: (ctx: Ctx<'showPackage'>) => book.showPackage(desk, ctx),
      reserve: (ctx: Ctx<'reserve'>) => reserveBundle(desk, ctx),
      release: (ctx: Ctx<'release'>) => releaseBundle(desk, ctx),
      quote: (ctx: Ctx<'quote'>) => quoteBundle(desk, ctx),
      checkout: (ctx: Ctx<'checkout'>) => orderBundle(desk, ctx),
      cancel: (ctx: Ctx<'cancel'>) => cancelBundle(desk, ctx),
      cancellation: (ctx: Ctx<'cancellation'>) => previewBundle(desk, ctx),
      supportCancel: (ctx: Ctx<'supportCancel'>) => supportCancelBundle(desk, ctx),

      read: (ctx: Ctx<'read'>) => {
        const { bundleId, wait } = ctx.params;
        return readBundle(desk, bundleId, callerOf(ctx).userId, wait * 1_000);
      },

      paymentChanged: async ({ params }: Ctx<'paymentChanged'>): Promise<{ known: boolean }> => {
        const known = await desk.ports.bundles.touch(params.bundleId, clock.now());
        if (known) desk.worker.wake(params.bundleId);
        return { known };
      },

      disputed: (ctx: Ctx<'disputed'>) => disputeBundle(desk, ctx, ctx.params),

      byPayment: ({ params }: Ctx<'byPayment'>) => bundleOfPayment(desk, params),
    },
  };
}

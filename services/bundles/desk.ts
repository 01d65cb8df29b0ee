import type { ServiceBroker } from 'moleculer';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import type { OfferActs } from '#adapters/store/offer-acts.ts';
import type { PackageRow } from '#adapters/store/package-rows.ts';
import type { Bundle } from '#domain/bundle.ts';
import { UsherError } from '#domain/errors.ts';
import type { WithBundles } from '#mixins/bundle-flow.mixin.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import type { EventInfos } from '#services/bookings/event-info.ts';
import type { OffersPort } from '#services/bookings/offers.ts';

/** What the actions of the bundles service work with. */
export type BundleDesk = WithBundles & {
  readonly packages: MoleculerDbAdapter<PackageRow>;
  readonly acts: OfferActs;
  readonly once: WithOnce['once'];
  readonly events: EventInfos;
  readonly offers: OffersPort;
  readonly broker: ServiceBroker;
};

/** The caller's own bundle; anybody else's is not there. */
export async function ownBundle(
  { ports }: BundleDesk,
  bundleId: string,
  userId: string,
): Promise<Bundle> {
  const found = await ports.bundles.find(bundleId);
  if (found?.buyerId !== userId) throw new UsherError('not-found');
  return found;
}

/** What orders are made with. */
export type OrderDesk = Pick<BundleDesk, 'ports' | 'worker' | 'events' | 'offers'>;

import type { z } from 'zod';
import { offerActOf } from '#adapters/store/offer-acts.ts';
import type { PackageRow } from '#adapters/store/package-rows.ts';
import { call, type UsherContext } from '#broker/call.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import type { EventView } from '#contracts/event-schemas.ts';
import type { PackageView, PublicPackageDetail } from '#contracts/package-schemas.ts';
import { changedFields } from '#domain/audit-acts.ts';
import { invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { stepOf } from '#domain/money.ts';
import type { PackagePrice } from '#domain/package.ts';
import { callerOf } from '#mixins/caller.ts';
import { owned, ownedFilter } from '#mixins/organizer.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';
import {
  packageDetailOf,
  packageViewOf,
  publicPackageOf,
} from '#services/bundles/package-views.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Priced = {
  readonly discountBasisPoints?: number | undefined;
  readonly fixedPrice?: number | undefined;
};

/** `bundles.createPackage` */
export function createPackage(desk: BundleDesk, ctx: Ctx<'createPackage'>): Promise<PackageView> {
  return desk.once(ctx, 'bundles.createPackage', ctx.params, async ({ ulid }) => {
    const { events: asked, sale, discountBasisPoints, fixedPrice, ...fields } = ctx.params;
    const events = [...asked].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
    const known = await eventsOf(ctx, events);
    const [first] = known;
    if (first === undefined) throw new UsherError('not-found');
    const price = priceOf({ discountBasisPoints, fixedPrice }, first.currency);
    if (price === undefined) throw invalid('fixedPrice', 'one of the two prices is needed');
    const now = desk.ports.clock.now();
    const row: PackageRow = {
      _id: makeId('package', ulid),
      organizerId: first.organizerId,
      currency: first.currency,
      ...fields,
      events,
      price,
      ...windowOf(sale),
      taken: 0,
      disabled: false,
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const { name, limit, divisible, opensAt, closesAt } = row;
    const data = { name, events, price, limit, divisible, opensAt, closesAt };
    const act = offerActOf(callerOf(ctx).userId, row, 'package.created', data);
    const written = await desk.acts.insertOnce(act, desk.packages, row);
    if (written === null) throw new UsherError('unavailable');
    return packageViewOf(written);
  });
}

/** The caller's own events, held to what a package asks of them. */
async function eventsOf(
  ctx: UsherContext,
  asked: readonly { readonly eventId: string; readonly category?: string | undefined }[],
): Promise<readonly EventView[]> {
  const known = await Promise.all(
    asked.map(({ eventId }) => call(ctx, 'catalogue.organizerEvent', { eventId })),
  );
  for (const [i, { eventId, category }] of asked.entries()) {
    const event = known[i];
    const path = `events.${eventId}`;
    if (event === undefined) throw new UsherError('not-found');
    if (asked[i - 1]?.eventId === eventId) throw invalid(path, 'is named twice');
    if (event.organizerId !== known[0]?.organizerId) {
      throw invalid(path, 'all events must be of one organizer');
    }
    if (event.currency !== known[0]?.currency) {
      throw invalid(path, 'all events must have one currency');
    }
    if (category !== undefined && event.prices.every((price) => price.category !== category)) {
      throw invalid(path, `it has no category "${category}"`);
    }
    if (event.status !== 'published' && event.status !== 'paused') {
      throw new UsherError('state-forbids', `${eventId} is ${event.status}`, { eventId });
    }
  }
  return known;
}

function priceOf(
  { discountBasisPoints, fixedPrice }: Priced,
  currency: string,
): PackagePrice | undefined {
  if (discountBasisPoints !== undefined)
    return { by: 'discount', basisPoints: discountBasisPoints };
  if (fixedPrice === undefined) return undefined;
  const step = stepOf(currency);
  if (fixedPrice % step !== 0) throw invalid('fixedPrice', `must be a multiple of ${step}`);
  return { by: 'fixed', amount: fixedPrice };
}

function windowOf(sale: { opensAt?: string | undefined; closesAt?: string | undefined }) {
  const at = (text: string | undefined): number | null =>
    text === undefined ? null : Date.parse(text);
  const window = { opensAt: at(sale.opensAt), closesAt: at(sale.closesAt) };
  const { opensAt, closesAt } = window;
  if (opensAt !== null && closesAt !== null && closesAt <= opensAt) {
    throw invalid('sale.closesAt', 'must be after sale.opensAt');
  }
  return window;
}

/** `bundles.patchPackage` */
export async function patchPackage(
  desk: BundleDesk,
  ctx: Ctx<'patchPackage'>,
): Promise<PackageView> {
  const { packageId, version, sale, discountBasisPoints, fixedPrice, ...plain } = ctx.params;
  const row = owned(ctx, await desk.packages.findById(packageId));
  const price = priceOf({ discountBasisPoints, fixedPrice }, row.currency);
  const given = Object.entries({ ...plain, price }).filter(([, value]) => value !== undefined);
  const said: Partial<PackageRow> = {
    ...Object.fromEntries(given),
    ...(sale === undefined ? {} : windowOf(sale)),
  };
  const set = { ...said, updatedAt: desk.ports.clock.now() };
  const changed = { ...row, ...set, version: version + 1 };
  const { userId } = callerOf(ctx);
  const act = offerActOf(userId, changed, 'package.changed', changedFields(row, said));
  const written = await desk.acts.record(act, (session) =>
    desk.packages.updateVersioned(packageId, version, { set }, session),
  );
  return packageViewOf(written);
}

/** `bundles.organizerPackages` */
export async function organizerPackages(desk: BundleDesk, ctx: Ctx<'organizerPackages'>) {
  const filter = ownedFilter(ctx);
  const page = await desk.packages.page({ filter, by: '_id', descending: true, ...ctx.params });
  return { items: page.items.map(packageViewOf), nextCursor: page.nextCursor };
}

/** `bundles.listPackages` */
export async function listPackages(desk: BundleDesk, { params }: Ctx<'listPackages'>) {
  const { organizerId, limit, cursor } = params;
  const now = desk.ports.clock.now();
  const filter = {
    disabled: false,
    $or: [{ closesAt: null }, { closesAt: { $gt: now } }],
    ...(organizerId === undefined ? {} : { organizerId }),
  };
  const page = await desk.packages.page({ filter, by: '_id', descending: true, limit, cursor });
  return {
    items: page.items.map((row) => publicPackageOf(row, now)),
    nextCursor: page.nextCursor,
  };
}

/** `bundles.showPackage` */
export async function showPackage(
  desk: BundleDesk,
  ctx: Ctx<'showPackage'>,
): Promise<PublicPackageDetail> {
  const row = await desk.packages.findById(ctx.params.packageId);
  if (row === null || row.disabled) throw new UsherError('not-found');
  const events = await Promise.all(
    row.events.map(({ eventId }) => call(ctx, 'catalogue.event', { eventId })),
  );
  return packageDetailOf(row, events, desk.ports.clock.now());
}

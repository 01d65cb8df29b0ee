import type { z } from 'zod';
import { type PackageRow, packageOf } from '#adapters/store/package-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import type { BundleView, bundlesContract } from '#contracts/bundles.contract.ts';
import { type Bundle, holdingUntil, type Member } from '#domain/bundle.ts';
import { bundleReleasing } from '#domain/bundle-moves.ts';
import { invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { makeScopedId } from '#domain/ids.ts';
import { holdIdOf } from '#domain/inventory/command-id.ts';
import type { Want } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { packageStateAt } from '#domain/package.ts';
import { bundleStep } from '#flows/bundle.flow.ts';
import { holdAll } from '#flows/bundle-holds.flow.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { bundleViewOf } from '#services/bundles/bundle-view.ts';
import { type BundleDesk, type OrderDesk, ownBundle } from '#services/bundles/desk.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** `bundles.reserve` */
export function reserveBundle(desk: BundleDesk, ctx: Ctx<'reserve'>): Promise<BundleView> {
  const { ports } = desk;
  const { packageId, quantity, seats = {} } = ctx.params;
  const { userId } = callerOf(ctx);
  if (ctx.meta.idempotencyKey === undefined) throw new UsherError('idempotency-key-required');
  const deadline = deadlineOf(ctx, ports.clock.now(), limits.bundleHoldMs);
  return desk.once(ctx, 'bundles.reserve', ctx.params, async ({ ulid }) => {
    const row = await desk.packages.findById(packageId);
    if (row === null) throw new UsherError('not-found');
    const held = await reserveOf(desk, row, { userId, quantity, seats, ulid }, deadline);
    return bundleViewOf(held, []);
  });
}

/** Holds the events of a package for this request, or answers what it held before. */
export async function reserveOf(
  desk: OrderDesk,
  row: PackageRow,
  asked: Asked,
  deadline: number,
): Promise<Bundle> {
  const { ports } = desk;
  const fresh = freshBundle(desk, row, asked);
  // A request that was taken before goes on, whatever has become of the package.
  const known = await ports.bundles.find(fresh.bundleId);
  const anew = known?.step === 'done' && known.order === undefined;
  if (known === undefined || anew) assertOnSale(desk, row);
  const categories = new Map(
    row.events.flatMap(({ eventId, category }) =>
      category === undefined ? [] : [[eventId, category] as const],
    ),
  );
  return holdAll({ fresh, currency: row.currency, categories, deadline }, ports);
}

function assertOnSale({ ports }: OrderDesk, row: PackageRow): void {
  const state = packageStateAt(packageOf(row), ports.clock.now());
  if (state === 'disabled') throw new UsherError('not-found');
  if (state === 'sold-out') throw new UsherError('sold-out', 'The package is sold out');
  if (state !== 'on-sale') throw new UsherError('not-on-sale', `The package is ${state}`);
}

export type Asked = {
  readonly userId: string;
  readonly quantity: number;
  readonly seats: Readonly<Record<string, readonly string[]>>;
  readonly ulid: string;
};

function freshBundle({ ports }: OrderDesk, row: PackageRow, asked: Asked): Bundle {
  const { quantity, seats, ulid } = asked;
  const { clock, ids } = ports;
  const now = clock.now();
  const [first] = row.events;
  if (first === undefined) throw new Error(`package ${row._id} has no events`);
  for (const eventId of Object.keys(seats)) {
    if (row.events.every((event) => event.eventId !== eventId)) {
      throw invalid(`seats.${eventId}`, 'is no event of the package');
    }
  }
  const members = row.events.map(({ eventId, category }): Member => {
    const commandId = ids.ulid();
    return {
      eventId,
      want: wantOf(quantity, seats[eventId], category, eventId),
      commandId,
      reservationId: holdIdOf(eventId, commandId),
      bookingId: makeScopedId('booking', eventId, ids.ulid()),
    };
  });
  return {
    bundleId: makeScopedId('bundle', first.eventId, ulid),
    packageId: row._id,
    name: row.name,
    buyerId: asked.userId,
    step: 'hold',
    version: 1,
    dueAt: holdingUntil(now),
    tries: 0,
    quantity,
    price: row.price,
    divisible: row.divisible,
    counted: row.limit !== null,
    members,
    deadline: now,
    cancels: [],
    createdAt: now,
    updatedAt: now,
  };
}

function wantOf(
  quantity: number,
  seats: readonly string[] | undefined,
  category: string | undefined,
  eventId: string,
): Want {
  if (seats === undefined) {
    return { by: 'best', quantity, ...(category === undefined ? {} : { category }) };
  }
  if (seats.length !== quantity || new Set(seats).size !== quantity) {
    throw invalid(`seats.${eventId}`, `must name ${quantity} seats, one a package`);
  }
  return { by: 'seats', seats };
}

/** `bundles.release` */
export async function releaseBundle(desk: BundleDesk, ctx: Ctx<'release'>): Promise<null> {
  await releaseOf(desk, await ownBundle(desk, ctx.params.bundleId, callerOf(ctx).userId));
  return null;
}

/** Gives back what a bundle holds that was not ordered. */
export async function releaseOf({ ports, worker }: OrderDesk, b: Bundle): Promise<void> {
  if (b.order !== undefined) throw new UsherError('already-booked', undefined, bookingsOf(b));
  if (b.step === 'done') return;
  const change = bundleReleasing(b, 'released', ports.clock.now());
  const releasing = b.step === 'release' ? b : (await worker.write(b, change))?.bundle;
  if (releasing === undefined) throw stale();
  await worker.write(releasing, await bundleStep(releasing, ports));
}

export const stale = () => new UsherError('stale-version', undefined, { retryAfterSeconds: 1 });

const bookingsOf = ({ members }: Bundle) => ({
  bookingIds: members.map(({ bookingId }) => bookingId),
});

import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { bundlesContract } from '#contracts/bundles.contract.ts';
import type { Bundle } from '#domain/bundle.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import { serves } from '#services/bookings/support.ts';
import { cancelOf } from '#services/bundles/cancelling.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';

type Actions = (typeof bundlesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bundles.supportCancel`: by support for all buyers, by organizers for those of their packages. */
export async function supportCancelBundle(
  desk: BundleDesk,
  ctx: Ctx<'supportCancel'>,
): Promise<Result<'supportCancel'>> {
  const { bundleId, waiveRules, reason: note } = ctx.params;
  const find = () => servedBundle(desk, ctx, bundleId);
  await find();
  return desk.once(ctx, 'bundles.supportCancel', ctx.params, ({ ulid: key }) => {
    const { userId: actor } = callerOf(ctx);
    const order = { actor, reason: 'cancelled-by-support', note, waiveRules } as const;
    return cancelOf(desk, find, { key, order });
  });
}

/** All events of a package are one organizer's. */
async function servedBundle(
  { ports }: BundleDesk,
  ctx: UsherContext,
  bundleId: string,
): Promise<Bundle> {
  const b = await ports.bundles.find(bundleId);
  const [first] = b?.members ?? [];
  if (b === undefined || first === undefined) throw new UsherError('not-found');
  if (!(await serves(ctx, first.eventId))) throw new UsherError('not-found');
  return b;
}

import type { UsherContext } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';

/** Whether the caller acts for this organizer; administrators act for all. */
export const actsFor = ({ roles, organizerIds }: Caller, organizerId: string): boolean =>
  organizerIds.includes(organizerId) || roles.includes('admin');

/** Whether the caller may sell over the counter for this organizer. */
export const sellsFor = (caller: Caller, organizerId: string): boolean =>
  actsFor(caller, organizerId) || (caller.boxOfficeIds ?? []).includes(organizerId);

/**
 * The row, if it belongs to an organizer the caller acts for. Rejects with `not-found` otherwise,
 * so that nobody learns what others have.
 */
export function owned<T extends { readonly organizerId: string }>(
  ctx: UsherContext,
  row: T | null | undefined,
): T {
  const caller = callerOf(ctx);
  if (row === null || row === undefined || !actsFor(caller, row.organizerId)) {
    throw new UsherError('not-found');
  }
  return row;
}

/** The organizer something is created for: the named one, else the caller's only one. */
export function organizerOf(ctx: UsherContext, named: string | undefined): string {
  const caller = callerOf(ctx);
  if (named !== undefined) {
    if (actsFor(caller, named)) return named;
    throw new UsherError('not-found', 'There is no such organizer');
  }
  const [only, another] = caller.organizerIds;
  if (only === undefined) throw new UsherError('forbidden', 'This account acts for no organizer');
  if (another === undefined) return only;
  throw new UsherError('invalid-request', 'organizerId is needed: you act for several', {
    errors: [{ path: 'organizerId', message: 'is needed: you act for several organizers' }],
  });
}

/** A filter for what the caller may list. */
export const ownedFilter = (ctx: UsherContext): { organizerId?: { $in: string[] } } => {
  const { roles, organizerIds } = callerOf(ctx);
  return roles.includes('admin') ? {} : { organizerId: { $in: [...organizerIds] } };
};

/**
 * The organizers whose books the caller may see; `named` narrows them, and one that is not the
 * caller's leaves none. Undefined: all, for administrators.
 */
export function visibleOrganizers(
  ctx: UsherContext,
  named: string | undefined,
): readonly string[] | undefined {
  const caller = callerOf(ctx);
  if (named !== undefined) return actsFor(caller, named) ? [named] : [];
  return caller.roles.includes('admin') ? undefined : caller.organizerIds;
}

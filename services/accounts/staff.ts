import type { z } from 'zod';
import type { AccountsStore } from '#adapters/store/accounts.ts';
import type { UsherContext } from '#broker/call.ts';
import type { accountsContract, StaffMember } from '#contracts/accounts.contract.ts';
import { type Account, dismissed, enrolled, normalizeEmail } from '#domain/account.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import { organizerOf } from '#mixins/organizer.ts';

type Actions = (typeof accountsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** `accounts.addStaff`; repeating it changes nothing. */
export async function addStaff(store: AccountsStore, ctx: Ctx<'addStaff'>): Promise<StaffMember> {
  const { email, role } = ctx.params;
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const account = await store.byEmail(normalizeEmail(email));
  if (account === undefined) throw new UsherError('not-found', `${email} has no account yet`);
  const name = await nameOf(store, ctx, organizerId);
  const next = enrolled(account, { organizerId, name, role });
  await replace(store, account, next);
  return memberOf(next, organizerId);
}

/** `accounts.staff` */
export async function listStaff(store: AccountsStore, ctx: Ctx<'staff'>) {
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const people = await store.ofOrganizer(organizerId);
  return { items: people.map((account) => memberOf(account, organizerId)) };
}

/** `accounts.removeStaff`; an owner is left as it is. */
export async function removeStaff(store: AccountsStore, ctx: Ctx<'removeStaff'>): Promise<null> {
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const account = await store.byId(ctx.params.userId);
  if (account === undefined) throw new UsherError('not-found');
  await replace(store, account, dismissed(account, organizerId));
  return null;
}

async function replace(store: AccountsStore, before: Account, next: Account): Promise<void> {
  if (next.organizers.length === before.organizers.length) return;
  if (!(await store.enrol(before, next))) throw new UsherError('stale-version');
}

/** The organizer's name as its owner has it. */
async function nameOf(store: AccountsStore, ctx: UsherContext, organizerId: string) {
  const owner = await store.byId(callerOf(ctx).userId);
  return owner?.organizers.find((m) => m.organizerId === organizerId)?.name ?? organizerId;
}

const memberOf = (account: Account, organizerId: string): StaffMember => ({
  userId: account.userId,
  email: account.email,
  name: account.name,
  role: account.organizers.find((m) => m.organizerId === organizerId)?.role ?? 'owner',
});

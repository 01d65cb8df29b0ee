import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { AccountsStore } from '#adapters/store/accounts.ts';
import type { StaffAct } from '#adapters/store/staff-acts.ts';
import type { UsherContext } from '#broker/call.ts';
import type { accountsContract, StaffMember } from '#contracts/accounts.contract.ts';
import { type Account, dismissed, enrolled, normalizeEmail } from '#domain/account.ts';
import { UsherError } from '#domain/errors.ts';
import { callerOf } from '#mixins/caller.ts';
import { organizerOf } from '#mixins/organizer.ts';

type Actions = (typeof accountsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

type Times = { readonly clock: Clock; readonly ids: Ids };
type Desk = Times & { readonly store: AccountsStore };

/** `accounts.addStaff`; repeating it changes nothing. */
export async function addStaff(desk: Desk, ctx: Ctx<'addStaff'>): Promise<StaffMember> {
  const { store } = desk;
  const { email, role } = ctx.params;
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const account = await store.byEmail(normalizeEmail(email));
  if (account === undefined) throw new UsherError('not-found', `${email} has no account yet`);
  const name = await nameOf(store, ctx, organizerId);
  const next = enrolled(account, { organizerId, name, role });
  const about = { organizerId, actor: callerOf(ctx).userId, act: 'staff.added', data: { role } };
  await replace(desk, account, next, about);
  return memberOf(next, organizerId);
}

/** `accounts.staff` */
export async function listStaff({ store }: Desk, ctx: Ctx<'staff'>) {
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const people = await store.ofOrganizer(organizerId);
  return { items: people.map((account) => memberOf(account, organizerId)) };
}

/** `accounts.removeStaff`; an owner is left as it is. */
export async function removeStaff(desk: Desk, ctx: Ctx<'removeStaff'>): Promise<null> {
  const organizerId = organizerOf(ctx, ctx.params.organizerId);
  const account = await desk.store.byId(ctx.params.userId);
  if (account === undefined) throw new UsherError('not-found');
  const { role } = memberOf(account, organizerId);
  const about = { organizerId, actor: callerOf(ctx).userId, act: 'staff.removed', data: { role } };
  await replace(desk, account, dismissed(account, organizerId), about);
  return null;
}

/** What an account with an organizer of its own does by signing up; undefined: it has none. */
export function foundingOf(account: Account, { ids }: Times): StaffAct | undefined {
  const [own] = account.organizers;
  if (own === undefined) return undefined;
  const { userId: actor, createdAt: at } = account;
  const { organizerId, name } = own;
  const data = { name };
  return { id: ids.ulid(), organizerId, subject: actor, at, actor, act: 'organizer.created', data };
}

/** Writes the change with its act, for the audit log; nothing where there is no change. */
async function replace(
  { store, clock, ids }: Desk,
  before: Account,
  next: Account,
  about: Pick<StaffAct, 'organizerId' | 'actor' | 'act' | 'data'>,
): Promise<void> {
  if (next.organizers.length === before.organizers.length) return;
  const act = { id: ids.ulid(), subject: before.userId, at: clock.now(), ...about };
  if (!(await store.enrol(before, next, act))) throw new UsherError('stale-version');
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

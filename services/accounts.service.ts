import type { ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { PasswordHasher } from '#adapters/passwords/argon2.ts';
import { AccountsStore } from '#adapters/store/accounts.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import type { UsherContext } from '#broker/call.ts';
import { accountsContract, type SessionView } from '#contracts/accounts.contract.ts';
import { type Account, normalizeEmail, rolesOf } from '#domain/account.ts';
import { UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { callerOf } from '#mixins/caller.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { Sessions, userViewOf } from '#mixins/sessions.ts';
import { addStaff, foundingOf, listStaff, removeStaff } from '#services/accounts/staff.ts';

type Actions = (typeof accountsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/** Accounts, sessions and signing keys; the only writer of these collections. */
export function createAccountsService(runtime: Runtime): ServiceSchema {
  const { clock, config } = runtime;
  const hasher = new PasswordHasher(clock, config.limits);
  let store: AccountsStore;
  let sessions: Sessions;
  const desk = () => ({ ...runtime, store });

  return {
    name: accountsContract.name,
    actions: {
      signup: async ({ params }: Ctx<'signup'>): Promise<SessionView> => {
        const account = await newAccount(params, store, hasher, runtime);
        await store.add(account, foundingOf(account, runtime));
        return sessions.start(account);
      },

      login: async ({ params }: Ctx<'login'>): Promise<SessionView> => {
        const account = await store.byEmail(normalizeEmail(params.email));
        const right = await hasher.verify(account?.passwordHash, params.password);
        if (account === undefined || !right) throw new UsherError('invalid-credentials');
        return sessions.start(account);
      },

      refresh: ({ params }: Ctx<'refresh'>) => sessions.refresh(params.refreshToken),

      logout: async ({ params }: Ctx<'logout'>): Promise<null> => {
        await sessions.end(params.refreshToken);
        return null;
      },

      account: async (ctx: Ctx<'account'>) => {
        const account = await store.byId(callerOf(ctx).userId);
        if (account === undefined) throw new UsherError('unauthenticated');
        return userViewOf(account);
      },

      update: async (ctx: Ctx<'update'>) => {
        const account = await store.rename(callerOf(ctx).userId, ctx.params.name);
        if (account === undefined) throw new UsherError('unauthenticated');
        return userViewOf(account);
      },

      contacts: async ({ params }: Ctx<'contacts'>) => ({
        contacts: await store.contacts(params.userIds),
      }),

      known: async ({ params }: Ctx<'known'>) => ({
        userId: (await store.byEmail(normalizeEmail(params.email)))?.userId ?? null,
      }),

      addStaff: (ctx: Ctx<'addStaff'>) => addStaff(desk(), ctx),
      staff: (ctx: Ctx<'staff'>) => listStaff(desk(), ctx),
      removeStaff: (ctx: Ctx<'removeStaff'>) => removeStaff(desk(), ctx),

      jwks: async () => ({ keys: await sessions.jwks() }),
    },

    async started() {
      store = new AccountsStore(await acquireMongo(config.mongodbUri));
      await store.prepare();
      sessions = await Sessions.open(store, runtime);
    },

    async stopped() {
      await releaseMongo(config.mongodbUri);
    },
  };
}

type Signup = z.output<Actions['signup']['params']>;

async function newAccount(
  params: Signup,
  store: AccountsStore,
  hasher: PasswordHasher,
  { clock, ids }: Runtime,
): Promise<Account> {
  const email = normalizeEmail(params.email);
  // The unique index decides; asking first only saves the hashing.
  if ((await store.byEmail(email)) !== undefined) throw new UsherError('email-taken');
  const organizers =
    params.organizer === undefined
      ? []
      : [{ organizerId: makeId('organizer', ids.ulid()), name: params.organizer.name }];
  return {
    userId: makeId('user', ids.ulid()),
    email,
    name: params.name,
    passwordHash: await hasher.hash(params.password),
    roles: rolesOf(organizers),
    organizers,
    createdAt: clock.now(),
  };
}

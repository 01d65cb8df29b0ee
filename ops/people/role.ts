import { parseArgs } from 'node:util';
import { AccountsStore } from '#adapters/store/accounts.ts';
import { normalizeEmail, type PlatformRole, platformRoles } from '#domain/account.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';

const usage = 'npm run role -- <e-mail address> <support|admin> [--off] [--uri <mongodb uri>]';

/**
 * Gives an account a role of the platform, or takes it away; it counts from the next log-in or
 * refresh on. Answers a sentence; rejects with one when it cannot be.
 */
export async function setRole(
  store: AccountsStore,
  email: string,
  role: PlatformRole,
  on: boolean,
): Promise<string> {
  const account = await store.byEmail(normalizeEmail(email));
  if (account === undefined) throw new Error(`${email} has no account`);
  await store.setRole(account.userId, role, on);
  return `${email} (${account.userId}) ${on ? 'has' : 'no longer has'} the role ${role}`;
}

const isRole = (word: string | undefined): word is PlatformRole =>
  platformRoles.some((role) => role === word);

async function main(): Promise<number> {
  const options = { uri: { type: 'string' }, off: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [email, role] = positionals;
  if (email === undefined || !isRole(role)) throw new Error(usage);
  const done = await onRunningDatabase(values.uri, usage, (db) =>
    setRole(new AccountsStore(db), email, role, !values.off),
  );
  console.log(done);
  return 0;
}

if (import.meta.main) await runCommand(main);

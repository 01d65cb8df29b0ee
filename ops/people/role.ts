import { parseArgs } from 'node:util';
import { AccountsStore } from '#adapters/store/accounts.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { normalizeEmail, type PlatformRole, platformRoles } from '#domain/account.ts';
import { runningDatabase } from '#ops/running-database.ts';

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

async function main(): Promise<void> {
  const options = { uri: { type: 'string' }, off: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [email, role] = positionals;
  if (email === undefined || !isRole(role)) throw new Error(usage);
  const uri = runningDatabase(values.uri);
  if (uri === undefined) throw new Error(`no database: set MONGODB_URI or give --uri\n${usage}`);
  const db = await acquireMongo(uri);
  try {
    console.log(await setRole(new AccountsStore(db), email, role, !values.off));
  } finally {
    await releaseMongo(uri);
  }
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  });
}

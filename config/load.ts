import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { allRoles, deepFreeze, type Settings } from '#config/config.ts';
import { defaultCacheDir } from '#config/folders.ts';
import { brokenRules } from '#config/rules.ts';
import { type Parsed, schema } from '#config/schema.ts';
import { diskFiles, type Env, type Files, gather } from '#config/sources.ts';

/** The configuration cannot be used; `problems` has a sentence for each reason. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}: ${problems.join('; ')}.`);
    this.problems = problems;
  }
}

/**
 * Reads the settings from the environment, the file `.env` of the working folder and the files
 * named by `…_FILE` settings. Throws one `ConfigError` with every problem. Frozen.
 */
export function loadConfig(env: Env = process.env, files: Files = diskFiles): Settings {
  const problems: string[] = [];
  const values = gather(env, files, problems);
  const result = schema.safeParse(values);
  for (const { path, message } of result.error?.issues ?? []) {
    problems.push(`${path.join('.')} ${message}`);
  }
  if (result.success) problems.push(...brokenRules(result.data));
  if (result.data === undefined || problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(settingsOf(result.data, values));
}

function settingsOf(parsed: Parsed, env: Env): Settings {
  return {
    env: parsed.NODE_ENV,
    roles: parsed.ROLE,
    nodeId: parsed.NODE_ID ?? `${hostname()}-${process.pid}`,
    namespace: parsed.NAMESPACE,
    port: parsed.PORT,
    opsPort: parsed.OPS_PORT,
    dataDir: resolve(parsed.DATA_DIR),
    logLevel: parsed.LOG_LEVEL,
    ...optional('mongodbUri', withDatabaseName(parsed.MONGODB_URI)),
    ...optional('natsUrl', parsed.NATS_URL),
    ...optional('redisUrl', parsed.REDIS_URL),
    ...optional('elasticsearchNode', parsed.ELASTICSEARCH_NODE),
    ...optional('smtpUrl', parsed.SMTP_URL),
    publicUrl: (parsed.PUBLIC_URL ?? `http://localhost:${parsed.PORT}`).replace(/\/$/, ''),
    stripe: stripeOf(parsed),
    paymentDownPolicy: parsed.PAYMENT_DOWN_POLICY,
    demo: parsed.DEMO === undefined ? isPlayground(parsed) : parsed.DEMO === 'true',
    limits: parsed.LIMITS,
    searchPath: env.PATH ?? env.Path ?? '',
    cacheDir: defaultCacheDir(env),
  };
}

/** A single process for development gets a demo catalogue unasked. */
const isPlayground = ({ NODE_ENV, ROLE }: Parsed): boolean =>
  NODE_ENV === 'development' && ROLE.length === allRoles.length;

/** Without a key the process runs the simulator, which takes any key and any secret. */
function stripeOf(parsed: Parsed): Settings['stripe'] {
  const simulated = parsed.STRIPE_SECRET_KEY === undefined ? 'pk_test_simulator' : undefined;
  return {
    secretKey: parsed.STRIPE_SECRET_KEY ?? 'sk_test_simulator',
    webhookSecret: parsed.STRIPE_WEBHOOK_SECRET ?? 'whsec_simulator',
    ...optional('publishableKey', parsed.STRIPE_PUBLISHABLE_KEY ?? simulated),
    ...optional('apiBase', parsed.STRIPE_API_BASE),
    simulator: parsed.STRIPE_SECRET_KEY === undefined,
    ...optional('simulatorFaults', parsed.STRIPE_SIMULATOR_FAULTS),
  };
}

/** A connection string that names no database means `usher`. */
function withDatabaseName(uri: string | undefined): string | undefined {
  return uri?.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?(?=\?|$)/, '$1/usher');
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

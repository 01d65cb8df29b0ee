import { z } from 'zod';
import { allRoles, type Role } from '#config/config.ts';
import { parseLimits } from '#config/limits.ts';

const port = z
  .string()
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, {
    error: ({ input }) => `must be a port number from 0 to 65535, not "${input}"`,
  })
  .transform(Number);

const hasScheme = (text: string, schemes: readonly string[]): boolean =>
  URL.canParse(text) && schemes.includes(new URL(text).protocol);

const url = (...schemes: string[]) =>
  z.string().refine((text) => hasScheme(text, schemes), {
    error: `must be an address that starts with ${schemes.map((s) => `${s}//`).join(' or ')}`,
  });

/** The driver parses the rest: several hosts do not make a URL. */
const mongodbUri = z.string().regex(/^mongodb(\+srv)?:\/\/[^/?]+/, {
  error: 'must be an address that starts with mongodb:// or mongodb+srv://',
});

const natsUrls = z
  .string()
  .refine((list) => list.split(',').every((text) => hasScheme(text.trim(), ['nats:'])), {
    error: 'must be an address that starts with nats://, or several with commas between',
  });

const choice = <const T extends string>(...values: T[]) =>
  z.enum(values, {
    error: ({ input }) => `must be one of ${values.join(', ')}, not "${input}"`,
  });

const word = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: 'must be 1 to 64 letters, digits, dots, dashes or underscores',
});

const roles = z.string().transform((text, context): readonly Role[] => {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => name !== 'all' && !allRoles.includes(name as Role));
  if (unknown.length > 0) {
    const message = `must be all or a list of ${allRoles.join(', ')}, not "${text}"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  return allRoles.filter((role) => names.includes('all') || names.includes(role));
});

const json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});

const limitList = z.string().transform((text, context) => {
  const { limits, problems } = parseLimits(text);
  for (const message of problems) context.addIssue({ code: 'custom', message });
  return limits;
});

/** Every setting by the name of its environment variable. `.env.example` explains each. */
export const schema = z.object({
  NODE_ENV: choice('development', 'test', 'production').default('development'),
  ROLE: roles.prefault('all'),
  NODE_ID: word.optional(),
  NAMESPACE: word.default('usher'),
  PORT: port.prefault('3000'),
  OPS_PORT: port.prefault('3001'),
  PUBLIC_URL: url('http:', 'https:').optional(),
  DATA_DIR: z.string().default('./data'),
  LOG_LEVEL: choice('error', 'warn', 'info', 'debug').default('info'),
  MONGODB_URI: mongodbUri.optional(),
  NATS_URL: natsUrls.optional(),
  REDIS_URL: url('redis:', 'rediss:').optional(),
  ELASTICSEARCH_NODE: url('http:', 'https:').optional(),
  SMTP_URL: url('smtp:', 'smtps:').optional(),
  STRIPE_SECRET_KEY: z
    .string()
    .startsWith('sk_', { error: 'must be a Stripe secret key (sk_…)' })
    .optional(),
  STRIPE_PUBLISHABLE_KEY: z
    .string()
    .startsWith('pk_', { error: 'must be a Stripe publishable key (pk_…)' })
    .optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .startsWith('whsec_', { error: 'must be a Stripe webhook secret (whsec_…)' })
    .optional(),
  STRIPE_SIMULATOR_FAULTS: json.optional(),
  STRIPE_API_BASE: url('http:', 'https:').optional(),
  PAYMENT_DOWN_POLICY: choice('queue', 'refuse').default('queue'),
  DEMO: choice('true', 'false').optional(),
  LIMITS: limitList.prefault(''),
});

export type Parsed = z.output<typeof schema>;

export const settingNames: readonly string[] = Object.keys(schema.shape);

/** Settings that hold, or may hold, a secret: each may also come from the file `<NAME>_FILE`. */
export const secretNames = [
  'MONGODB_URI',
  'NATS_URL',
  'REDIS_URL',
  'ELASTICSEARCH_NODE',
  'SMTP_URL',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
] as const;

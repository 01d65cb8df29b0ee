import type { Limits } from '#domain/limits.ts';
import type { PaymentDownPolicy } from '#domain/provider-away.ts';

export const allRoles = ['gateway', 'inventory', 'core', 'worker'] as const;

export type Role = (typeof allRoles)[number];

/** The whole configuration: parsed, checked, frozen. Secrets never appear in logs. */
export type Config = {
  readonly env: 'development' | 'test' | 'production';
  readonly roles: readonly Role[];
  readonly nodeId: string;
  readonly namespace: string;
  readonly port: number;
  readonly opsPort: number;
  readonly dataDir: string;
  /** `error`, `warn`, `info`, `debug`. */
  readonly logLevel: string;
  readonly mongodbUri: string;
  /** Undefined: a single process without a transporter. */
  readonly natsUrl?: string;
  readonly redisUrl?: string;
  readonly elasticsearchNode?: string;
  readonly smtpUrl?: string;
  readonly publicUrl: string;
  readonly stripe: {
    readonly secretKey: string;
    /** For browsers: makes payment methods and confirms with a client secret, nothing else. */
    readonly publishableKey?: string;
    readonly webhookSecret: string;
    /** Undefined: Stripe itself. */
    readonly apiBase?: string;
    /** True: this process runs the simulator that `apiBase` names. */
    readonly simulator: boolean;
    /** What goes wrong at the simulator from its start: `faultsSchema`, checked by who runs it. */
    readonly simulatorFaults?: unknown;
  };
  /** What a checkout meets while the payment provider does not answer. */
  readonly paymentDownPolicy: PaymentDownPolicy;
  readonly demo: boolean;
  readonly limits: Limits;
};

/**
 * What the settings say before the servers of the process run: without `MONGODB_URI` the address
 * of the child mongod is still open, and so is that of the Stripe simulator.
 */
export type Settings = Omit<Config, 'mongodbUri'> & {
  readonly mongodbUri?: string;
  /** The PATH variable, to find a mongod. */
  readonly searchPath: string;
  /** Where fetched programs are kept. */
  readonly cacheDir: string;
};

/** The settings with the address of the database, once that is known. */
export function withDatabase(settings: Settings, mongodbUri: string): Config {
  const { searchPath: _path, cacheDir: _cache, ...config } = settings;
  return deepFreeze({ ...config, mongodbUri });
}

/** The configuration with the address of the Stripe simulator that this process runs. */
export const withStripe = (config: Config, apiBase: string): Config =>
  deepFreeze({ ...config, stripe: { ...config.stripe, apiBase } });

/** Freezes plain data through and through. */
export function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}

import type { Limits } from '#domain/limits.ts';

export type Role = 'gateway' | 'inventory' | 'core' | 'worker';

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
    readonly webhookSecret: string;
    /** Undefined: Stripe itself. */
    readonly apiBase?: string;
    /** True: this process runs the simulator that `apiBase` names. */
    readonly simulator: boolean;
  };
  readonly demo: boolean;
  readonly limits: Limits;
};

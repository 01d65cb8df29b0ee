import type { Config } from '#config/config.ts';
import { limits } from '#domain/limits.ts';

/**
 * A configuration for a test: every role in one process, no transporter, any free port, quiet logs.
 * Give at least `mongodbUri` (from `testDatabase`) where the test touches the database.
 */
export function testConfig(overrides: Partial<Config> = {}): Config {
  return {
    env: 'test',
    roles: ['gateway', 'inventory', 'core', 'worker'],
    nodeId: `test-${process.pid}`,
    namespace: `test-${process.pid}`,
    port: 0,
    opsPort: 0,
    dataDir: './data',
    logLevel: 'error',
    mongodbUri: 'mongodb://127.0.0.1:1/never-used',
    publicUrl: 'http://localhost:3000',
    stripe: {
      secretKey: 'sk_test_x',
      webhookSecret: 'whsec_x',
      simulator: false,
    },
    paymentDownPolicy: 'queue',
    demo: false,
    limits,
    ...overrides,
  };
}

import type { BrokerOptions } from 'moleculer';
import type { LogFn, LoggerOptions } from 'pino';
import { brokerOptions } from '#broker/index.ts';
import { natsOptions } from '#broker/nats.ts';
import { createWorkMiddleware } from '#broker/work-middleware.ts';
import type { Config } from '#config/config.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** Everything Moleculer is told, built from the configuration. */
export function moleculerConfig({ config, clock }: Runtime): BrokerOptions {
  const { limits } = config;
  const usher = brokerOptions({
    clock,
    callTimeoutMs: limits.callTimeoutMs,
    checkResults: config.env === 'test',
  });
  return {
    ...usher,
    middlewares: [createWorkMiddleware(clock, limits.drainMs), ...usher.middlewares],
    nodeID: config.nodeId,
    namespace: config.namespace,
    logger: loggerOf(config),
    // Params and results are plain JSON by their contracts: epoch milliseconds, never dates.
    serializer: 'JSON',
    ...(config.natsUrl === undefined
      ? {}
      : { transporter: { type: 'NATS' as const, options: natsOptions(config.natsUrl) } }),
    heartbeatInterval: 1,
    heartbeatTimeout: 4,
    // Only who knows a command's id can safely retry: the inventory client and the flows do.
    retryPolicy: { enabled: false },
    tracing: false,
    metrics: false,
    // main drains and stops; Moleculer must not stop the broker by itself.
    skipProcessEventRegistration: true,
  };
}

/** JSON lines in production, text for people elsewhere. */
function loggerOf({ env, logLevel }: Config): NonNullable<BrokerOptions['logger']> {
  if (env === 'production') {
    return { type: 'Pino', options: { level: logLevel, pino: { options: pinoOptions(logLevel) } } };
  }
  return { type: 'Console', options: { level: quieter(logLevel), formatter: 'short' } };
}

/** At `info`, what Moleculer says of its own start is left out. */
const quieter = (level: string) =>
  level === 'info'
    ? { BROKER: 'warn', REGISTRY: 'warn', TRANSIT: 'warn', TRANSPORTER: 'warn', '**': 'info' }
    : level;

/** Moleculer logs `(message, data)`; pino wants `(data, message)`. */
const pinoOptions = (level: string): LoggerOptions => ({
  level,
  hooks: {
    logMethod(args: unknown[], log: LogFn) {
      const [message, data] = args;
      const swapped = typeof message === 'string' && typeof data === 'object' && data !== null;
      log.apply(this, (swapped ? [data, message] : args) as Parameters<LogFn>);
    },
  },
});

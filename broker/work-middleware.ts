import type { Context, Middleware, ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { createMetrics, type Metrics } from '#adapters/metrics/prometheus.ts';
import { codeOf } from '#domain/errors.ts';

type Handler = (ctx: Context) => Promise<unknown>;

const metricsByBroker = new WeakMap<ServiceBroker, Metrics>();

/** The metrics of a node whose broker has the work middleware. */
export const metricsOf = (broker: ServiceBroker): Metrics | undefined =>
  metricsByBroker.get(broker);

/**
 * Watches the actions that run on this node: counts and times them, and lets a stopping broker wait
 * until all have finished, `drainMs` at most, before any of its services stops.
 */
export function createWorkMiddleware(clock: Clock, drainMs: number): Middleware {
  let metrics: Metrics | undefined;
  let running = 0;
  let quiet: (() => void) | undefined;

  const finish = (action: string, outcome: string, startedAt: number): void => {
    metrics?.action(action, outcome, (clock.monotonic() - startedAt) / 1_000);
    running--;
    if (running === 0) quiet?.();
  };

  return {
    name: 'Work',
    created(broker: ServiceBroker) {
      metrics = createMetrics({ node: broker.nodeID });
      metrics.gauge('usher_actions_running', 'Actions that run now', () => running);
      metricsByBroker.set(broker, metrics);
    },
    localAction(next: Handler, action) {
      const name = action.name ?? '';
      return async (ctx) => {
        const startedAt = clock.monotonic();
        running++;
        try {
          const result = await next(ctx);
          finish(name, 'ok', startedAt);
          return result;
        } catch (error) {
          finish(name, codeOf(error) ?? 'internal', startedAt);
          throw error;
        }
      };
    },
    async stopping(broker: ServiceBroker) {
      if (running === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      quiet = resolve;
      const cancel = clock.after(drainMs, () => {
        broker.logger.warn(`${running} actions did not finish within ${drainMs} ms`);
        resolve();
      });
      await promise.finally(cancel);
    },
    async stopped() {
      metrics?.clear();
    },
  };
}

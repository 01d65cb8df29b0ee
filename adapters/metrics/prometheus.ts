import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a node counts. Durations are in seconds, as Prometheus wants them. */
export type Metrics = {
  /** The text that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
  /** One finished action, with `ok` or the code of its error. */
  action(name: string, outcome: string, seconds: number): void;
  /** One answer of the payment provider, by what was asked and the HTTP status. */
  payment(operation: string, status: number, seconds: number): void;
  /** Shows a number that is read whenever the metrics are. */
  gauge(name: string, help: string, read: () => number): void;
  /** Forgets all; the collectors of the process stop. */
  clear(): void;
};

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one node: the process, its event loop's delay, and what is added. */
export function createMetrics(labels: Readonly<Record<string, string>>): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  collectDefaultMetrics({ register: registry });
  const actions = new Counter({
    name: 'usher_actions_total',
    help: 'Finished actions by outcome: ok or the code of the error',
    labelNames: ['action', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'usher_action_duration_seconds',
    help: 'Time that actions took on this node',
    labelNames: ['action'],
    buckets: secondsBuckets,
    registers: [registry],
  });
  const payments = new Histogram({
    name: 'usher_payment_provider_seconds',
    help: 'Time that answers of the payment provider took',
    labelNames: ['operation', 'status'],
    buckets: secondsBuckets,
    registers: [registry],
  });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    action: (action, outcome, seconds) => {
      actions.inc({ action, outcome });
      durations.observe({ action }, seconds);
    },
    payment: (operation, status, seconds) => {
      payments.observe({ operation, status: String(status) }, seconds);
    },
    gauge: (name, help, read) => {
      const collect = function (this: Gauge): void {
        this.set(read());
      };
      new Gauge({ name, help, registers: [registry], collect });
    },
    clear: () => registry.clear(),
  };
}

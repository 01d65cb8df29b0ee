import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BrokerOptions, ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { brokerOptions } from '#broker/index.ts';
import { natsOptions } from '#broker/nats.ts';
import { limits } from '#domain/limits.ts';

/** What `npm run cluster` leaves in the data folder while it runs, for operators' tools. */
export type ClusterRecord = { readonly natsUrl: string; readonly mongodbUri: string };

export const clusterRecordFile = (dataDir: string | undefined): string =>
  join(dataDir || './data', 'cluster.json');

/** The cluster that runs from this data folder; undefined when there is none. */
export function runningCluster(dataDir = process.env.DATA_DIR): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(clusterRecordFile(dataDir), 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

export type OperatorOptions = {
  readonly natsUrl: string;
  readonly namespace: string;
  readonly broker?: BrokerOptions;
};

/** How long a node that has just joined waits for the nodes that offer inventory. */
const joinMs = 5_000;

/**
 * A node without services that has joined the cluster; inventory is offered by somebody when it
 * resolves. Rejects with a sentence when NATS or the cluster cannot be found in time.
 */
export async function joinAsOperator(options: OperatorOptions): Promise<ServiceBroker> {
  const broker = new ServiceBroker({
    ...brokerOptions({ clock: systemClock }),
    nodeID: `operator-${process.pid}`,
    namespace: options.namespace,
    transporter: { type: 'NATS', options: natsOptions(options.natsUrl) },
    logger: { type: 'Console', options: { level: 'error' } },
    requestTimeout: limits.callTimeoutMs,
    heartbeatInterval: 2,
    heartbeatTimeout: 6,
    skipProcessEventRegistration: true,
    ...options.broker,
  });
  try {
    await withinTime(broker.start(), `NATS at ${options.natsUrl} does not answer`);
    await broker.waitForServices('inventory', joinMs, 50).catch(() => {
      throw new Error(`no inventory node in the namespace "${options.namespace}"`);
    });
    return broker;
  } catch (error) {
    await withinTime(broker.stop(), 'the node does not stop').catch(() => undefined);
    throw error;
  }
}

async function withinTime<T>(work: Promise<T>, sentence: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(sentence)), joinMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

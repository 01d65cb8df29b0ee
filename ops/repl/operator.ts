import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BrokerOptions, ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { brokerOptions } from '#broker/index.ts';
import { checkNats, natsOptions } from '#broker/nats.ts';
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

/** The wait for NATS, and then for a node that offers inventory. */
const joinMs = 5_000;

/**
 * A node without services that has joined the cluster; inventory is offered by somebody when it
 * resolves. Rejects with a sentence when NATS or the cluster cannot be found in time.
 */
export async function joinAsOperator(options: OperatorOptions): Promise<ServiceBroker> {
  await checkNats(options.natsUrl, joinMs, systemClock);
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
    await broker.start();
    await broker.waitForServices('inventory', joinMs, 50).catch(() => {
      throw new Error(`no inventory node in the namespace "${options.namespace}"`);
    });
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

import { randomBytes } from 'node:crypto';
import { type BrokerOptions, ServiceBroker, type ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { brokerOptions } from '#broker/index.ts';
import type { ServiceContract } from '#contracts/contract.ts';

export type TestBrokerOptions = {
  readonly services: readonly ServiceSchema[];
  /** Default: every contract of the system. Give more when the services under test are made up. */
  readonly contracts?: readonly ServiceContract[];
  readonly nodeId?: string;
  /** With a transporter: nodes of one test share a namespace (`testNamespace()`). */
  readonly namespace?: string;
  readonly natsUrl?: string;
  /** Default `silent`; `info` or `debug` while looking for a fault. */
  readonly logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug';
  readonly broker?: BrokerOptions;
};

/** A namespace no other test has. */
export const testNamespace = (): string => `test-${randomBytes(4).toString('hex')}`;

/**
 * Starts a node in this process with the contracts, errors and placement of the system, every
 * result held to its contract too. Stop it with `await broker.stop()`.
 */
export async function startBroker(options: TestBrokerOptions): Promise<ServiceBroker> {
  const level = options.logLevel ?? 'silent';
  const broker = new ServiceBroker({
    ...brokerOptions({
      clock: systemClock,
      checkResults: true,
      ...(options.contracts === undefined ? {} : { services: options.contracts }),
    }),
    nodeID: options.nodeId ?? `test-${randomBytes(4).toString('hex')}`,
    namespace: options.namespace ?? testNamespace(),
    ...(options.natsUrl === undefined ? {} : { transporter: nats(options.natsUrl) }),
    logger: level === 'silent' ? false : { type: 'Console', options: { level } },
    skipProcessEventRegistration: true,
    ...options.broker,
  });
  for (const service of options.services) broker.createService(service);
  try {
    await broker.start();
    return broker;
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

const nats = (url: string) => ({ type: 'NATS' as const, options: { servers: [url] } });

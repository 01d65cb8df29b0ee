import { type AddressInfo, connect } from 'node:net';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { ServiceContract } from '#contracts/contract.ts';
import { type Limits, limits } from '#domain/limits.ts';
import type { Authenticate } from '#services/api/access.ts';
import { createApiService } from '#services/api.service.ts';
import { startBroker, type TestBrokerOptions } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';

export type TestGateway = {
  readonly broker: ServiceBroker;
  readonly port: number;
  readonly url: string;
};

export type TestGatewayOptions = Omit<TestBrokerOptions, 'contracts'> & {
  readonly contracts: readonly ServiceContract[];
  readonly services: readonly ServiceSchema[];
  readonly authenticate: Authenticate;
  readonly limits?: Partial<Limits>;
  /** Default: a free one. */
  readonly port?: number;
};

/** A gateway for these services on a free port. Stop it with `await gateway.broker.stop()`. */
export async function startGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const { contracts, authenticate } = options;
  const config = testConfig({
    port: options.port ?? 0,
    limits: { ...limits, ...options.limits },
  });
  const runtime = { config, clock: systemClock, ids: systemIds };
  const api = createApiService(runtime, { contracts, authenticate });
  const broker = await startBroker({ ...options, services: [...options.services, api] });
  const { address } = broker.getLocalService('api') as unknown as { address(): AddressInfo };
  const { port } = address();
  return { broker, port, url: `http://127.0.0.1:${port}` };
}

/** Sends bytes as they are and answers what came back until the server closed the connection. */
export function sendRaw(port: number, text: string, waitMs = 2_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

import { randomUUID } from 'node:crypto';
import { systemClock } from '#adapters/clock/system.ts';
import { natsServer, startServerProcess } from '#adapters/machine/server-process.ts';
import { startChildMongod } from '#adapters/mongod/index.ts';
import { startSimulator } from '#adapters/payments/simulator/index.ts';
import { defaultCacheDir } from '#config/folders.ts';

/** A server of the cluster; `stop` does nothing for one that was given from outside. */
export type ClusterServer = {
  readonly url: string;
  readonly description: string;
  stop(): Promise<void>;
};

const given = (url: string, description: string): ClusterServer => ({
  url,
  description,
  stop: async () => undefined,
});

/** The NATS that `url` names, or a `nats-server` of this machine. */
export async function openNats(url: string | undefined): Promise<ClusterServer> {
  if (url !== undefined) return given(url, 'NATS (NATS_URL)');
  const { port, stop } = await startServerProcess(
    natsServer,
    process.env.PATH ?? '',
    systemClock,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: install nats-server, or set NATS_URL`);
  });
  return { url: `nats://127.0.0.1:${port}`, description: 'nats-server of this machine', stop };
}

/** The MongoDB that `uri` names, or a child of this process with its data in `dataDir`. */
export async function openMongodb(
  uri: string | undefined,
  dataDir: string,
): Promise<ClusterServer> {
  if (uri !== undefined) return given(uri, 'MongoDB (MONGODB_URI)');
  const {
    description,
    stop,
    uri: url,
  } = await startChildMongod(dataDir, {
    searchPath: process.env.PATH ?? '',
    cacheDir: defaultCacheDir(process.env),
    clock: systemClock,
    say: (line) => console.log(line),
  });
  return { url, description, stop };
}

export type ClusterStripe = ClusterServer & { readonly env: Readonly<Record<string, string>> };

/** Stripe itself where a key is set, else one simulator for all nodes. */
export async function openStripe(mongodbUri: string, gatewayUrl: string): Promise<ClusterStripe> {
  if (process.env.STRIPE_SECRET_KEY) return { ...given('', 'Stripe'), env: {} };
  const webhookSecret = `whsec_${randomUUID()}`;
  const simulator = await startSimulator({
    port: 0,
    mongodbUri,
    webhookUrl: `${gatewayUrl}/v1/payments/stripe/webhook`,
    webhookSecret,
  });
  const env = {
    STRIPE_SECRET_KEY: 'sk_test_simulator',
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: simulator.url,
  };
  return { url: simulator.url, description: 'Stripe simulator', stop: simulator.stop, env };
}

import { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import { freePort, listenObstacle } from '#adapters/machine/ports.ts';
import { startChildMongod } from '#adapters/mongod/index.ts';
import { faultsSchema } from '#adapters/payments/simulator/faults.ts';
import { startSimulator } from '#adapters/payments/simulator/index.ts';
import { checkMongo } from '#adapters/store/check-mongo.ts';
import { checkNats } from '#broker/nats.ts';
import type { Config, Settings } from '#config/config.ts';
import { paymentsContract } from '#contracts/payments.contract.ts';

/** A server that this process started, or found where the settings say. */
export type Server = {
  /** Such as `MongoDB 6.0.5 from the PATH`. */
  readonly description: string;
  readonly address: string;
  /** Resolves, with a sentence, if a server of our own ends by itself. */
  readonly ended?: Promise<string>;
  stop(): Promise<void>;
  /** Ends a server of our own at once. */
  kill(): void;
};

/** Takes lines for the operator. */
export type Say = (line: string) => void;

/**
 * The settings with port 0 replaced by one that is free. Rejects with a sentence when another
 * program has a port that this process needs.
 */
export async function claimPorts(settings: Settings): Promise<Settings> {
  const needed: Array<readonly [string, number]> = [['OPS_PORT', settings.opsPort]];
  if (settings.roles.includes('gateway')) needed.unshift(['PORT', settings.port]);
  for (const [name, port] of needed) {
    const obstacle = await listenObstacle(port);
    if (obstacle === 'EADDRINUSE') {
      throw new Error(`Port ${port} is taken by another program: stop it, or set ${name}`);
    }
    if (obstacle !== undefined) {
      throw new Error(`Port ${port} cannot be used (${obstacle}): set ${name} to another one`);
    }
  }
  const port = settings.port === 0 ? await freePort() : settings.port;
  const opsPort = settings.opsPort === 0 ? await freePort() : settings.opsPort;
  const publicUrl = settings.publicUrl.replace(/:0$/, `:${port}`);
  return { ...settings, port, opsPort, publicUrl };
}

/** The MongoDB of `MONGODB_URI`, or a child of this process. */
export async function openMongodb(settings: Settings, clock: Clock, say: Say): Promise<Server> {
  const { mongodbUri, dataDir, searchPath, cacheDir, limits } = settings;
  if (mongodbUri !== undefined) {
    const description = await checkMongo(mongodbUri, limits.startWaitMs);
    return { description, address: mongodbUri, stop: async () => undefined, kill: () => undefined };
  }
  const child = await startChildMongod(dataDir, { searchPath, cacheDir, clock, say });
  const ended = child.ended.then((how) => `The MongoDB of this process ended by itself (${how})`);
  return {
    ...child,
    description: `${child.description}, data in ${dataDir}`,
    ended,
    address: child.uri,
  };
}

/** The Stripe simulator of this process; undefined where the settings name Stripe itself. */
export async function openSimulator(config: Config): Promise<Server | undefined> {
  const { stripe, mongodbUri, port } = config;
  if (!stripe.simulator) return undefined;
  const { http } = paymentsContract.actions.webhook;
  const webhookUrl = `http://127.0.0.1:${port}${http?.path}`;
  const { webhookSecret } = stripe;
  const faults = faultsSchema.safeParse(stripe.simulatorFaults ?? {});
  if (!faults.success) {
    throw new Error(`STRIPE_SIMULATOR_FAULTS: ${z.prettifyError(faults.error)}`);
  }
  const simulator = await startSimulator({
    port: 0,
    mongodbUri,
    webhookUrl,
    webhookSecret,
    faults: faults.data,
  });
  const { url, stop } = simulator;
  return { description: 'Stripe simulator', address: url, stop, kill: () => undefined };
}

/** Waits for the NATS of `NATS_URL`, if one is set. */
export async function awaitNats({ natsUrl, limits }: Settings, clock: Clock): Promise<void> {
  if (natsUrl !== undefined) await checkNats(natsUrl, limits.startWaitMs, clock);
}

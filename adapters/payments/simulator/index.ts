import type { Clock } from '#adapters/clock/port.ts';
import { systemClock } from '#adapters/clock/system.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { DueWork } from '#adapters/payments/simulator/due.ts';
import { Exchange } from '#adapters/payments/simulator/exchange.ts';
import { FaultPlan, type FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { type Handling, type Listening, listen } from '#adapters/payments/simulator/server.ts';
import { type ObjectStore, SimulatorStore } from '#adapters/payments/simulator/store.ts';
import { WebhookSender } from '#adapters/payments/simulator/webhooks.ts';
import { World } from '#adapters/payments/simulator/world.ts';
import { stripeApiVersion } from '#adapters/payments/stripe-line.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';

export type SimulatorOptions = {
  /** 0 takes the one it had before on this database, else a free one. */
  readonly port: number;
  readonly host?: string;
  readonly mongodbUri: string;
  /** Where browsers reach it; default the address it listens on. */
  readonly publicUrl?: string;
  /** Where webhooks go. */
  readonly webhookUrl: string;
  readonly webhookSecret: string;
  /** The only key that is taken; any when absent. */
  readonly secretKey?: string;
  readonly faults?: FaultSettings;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** Instead of the database. */
  readonly store?: ObjectStore;
};

export type Simulator = {
  readonly url: string;
  stop(): Promise<void>;
};

/**
 * A stand-in for Stripe: the part of its HTTP API that takes card payments, with its test payment
 * methods (`cards.ts`), idempotency keys, a 3-D Secure page, and signed webhooks that are repeated
 * until answered. All of it is kept in the collection `stripe_simulator_objects`, so a process
 * that is killed and started again goes on where it was, webhooks included. Faults and delays are
 * set by `faults` and, at run time, by `PUT /_simulator/faults`. Run one for a database.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { clock = systemClock, ids = systemIds, host = '127.0.0.1', mongodbUri } = options;
  const target = { url: new URL(options.webhookUrl), secret: options.webhookSecret };
  const kept = options.store === undefined;
  const release = async (): Promise<void> => (kept ? releaseMongo(mongodbUri) : undefined);
  const store = options.store ?? new SimulatorStore(await acquireMongo(mongodbUri), clock);
  await store.prepare();
  const plan = new FaultPlan(options.faults ?? {}, ids);
  const sender = new WebhookSender(target, clock, store, plan);
  const address = { url: options.publicUrl ?? '' };
  const apiVersion = stripeApiVersion;
  const world = new World({ clock, ids, store, plan, sender, apiVersion, address });
  const handling = { world, exchange: new Exchange(world, options.secretKey), apiVersion };
  const server = await listenAgain(handling, host, options.port, store).catch(
    async (error: unknown) => {
      await release();
      throw error;
    },
  );
  const url = `http://${host}:${server.port}`;
  if (address.url === '') address.url = url;
  const due = new DueWork(world);
  due.start();
  sender.start();
  return {
    url,
    stop: async () => {
      await sender.stop();
      await due.stop();
      await server.close();
      await release();
    },
  };
}

/** A page that a buyer was sent to before a restart must still be where it was. */
async function listenAgain(
  handling: Handling,
  host: string,
  port: number,
  store: ObjectStore,
): Promise<Listening> {
  const before = port === 0 ? await store.portBefore() : undefined;
  const taken =
    before === undefined ? undefined : await listen(handling, host, before).catch(() => undefined);
  const server = taken ?? (await listen(handling, host, port));
  await store.keepPort(server.port);
  return server;
}

import { randomUUID } from 'node:crypto';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { type Simulator, startSimulator } from '#adapters/payments/simulator/index.ts';
import type { Config } from '#config/config.ts';
import type { BookingView } from '#contracts/bookings.contract.ts';
import { makeId } from '#domain/ids.ts';
import { fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import type { CommandOf, HoldView } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createApiService } from '#services/api.service.ts';
import { createBookingsService } from '#services/bookings.service.ts';
import { createBoxOfficeService } from '#services/box-office.service.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { createMessagesService } from '#services/messages.service.ts';
import { createPaymentsService } from '#services/payments.service.ts';
import { createPromotionsService } from '#services/promotions.service.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { type Answer, send } from '#test/support/buying.ts';
import { testConfig } from '#test/support/config.ts';
import { freePort, natsUrl, type TestDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

export type Buyer = { readonly userId: string; readonly token: string };

/** A gateway and two core nodes on NATS, a provider with webhooks, and events to buy from. */
export type BookingCluster = {
  readonly cores: readonly ServiceBroker[];
  readonly simulator: Simulator;
  /** Opens an event of 40 seats at 5000 (rows A, B) or 0 (`free`). */
  openEvent(free?: boolean): Promise<string>;
  buyer(): Promise<Buyer>;
  hold(eventId: string, buyer: Buyer, seats: readonly string[]): Promise<HoldView>;
  ask(
    method: string,
    path: string,
    buyer?: Buyer,
    body?: unknown,
    key?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** A buyer's booking once this holds of it, within 20 s. */
  until(
    bookingId: string,
    buyer: Buyer,
    holds: (view: BookingView) => boolean,
  ): Promise<BookingView>;
  stop(): Promise<void>;
};

const webhookSecret = 'whsec_test';

export async function startBookings(
  { uri }: TestDatabase,
  settings: Partial<Config> = {},
): Promise<BookingCluster> {
  const simulatorPort = await freePort();
  const nodes = await startNodes(uri, simulatorPort, settings);
  const url = urlOf(nodes.gateway);
  const webhookUrl = `${url}/v1/payments/stripe/webhook`;
  const options = { port: simulatorPort, mongodbUri: uri, webhookUrl, webhookSecret };
  const simulator = await startSimulator(options);
  const ask: BookingCluster['ask'] = (
    method,
    path,
    buyer,
    body,
    key = randomUUID(),
    headers = {},
  ) =>
    send(url, method, path, {
      key,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(buyer === undefined ? {} : { token: buyer.token }),
    });
  return {
    cores: nodes.cores,
    simulator,
    ...sales(nodes.worker),
    buyer: async () => {
      const name = randomUUID();
      const body = { email: `${name}@example.org`, password: 'correct horse', name };
      const { body: session } = await send(url, 'POST', '/v1/auth/signup', { body });
      return { userId: session.user.userId, token: session.accessToken };
    },
    ask,
    until: async (bookingId, buyer, holds) => {
      for (let look = 0; look < 200; look++) {
        const { body } = await ask('GET', `/v1/bookings/${bookingId}`, buyer);
        if (holds(body)) return body;
        await systemClock.sleep(100);
      }
      const { body } = await ask('GET', `/v1/bookings/${bookingId}`, buyer);
      throw new Error(`not in time: ${JSON.stringify(body)}`);
    },
    stop: async () => {
      await Promise.all([nodes.gateway, ...nodes.cores].map((broker) => broker.stop()));
      await nodes.worker.stop();
      await simulator.stop();
    },
  };
}

type Nodes = {
  readonly cores: readonly [ServiceBroker, ServiceBroker];
  readonly worker: ServiceBroker;
  readonly gateway: ServiceBroker;
};

/** Starts the nodes on this database; waits until they know each other. */
async function startNodes(
  mongodbUri: string,
  simulatorPort: number,
  settings: Partial<Config>,
): Promise<Nodes> {
  const namespace = testNamespace();
  const start = (name: string, make: (runtime: Runtime) => readonly ServiceSchema[]) => {
    const nodeId = `${name}-${namespace}`;
    const apiBase = `http://127.0.0.1:${simulatorPort}`;
    const stripe = { secretKey: 'sk_test_x', webhookSecret, apiBase, simulator: true };
    const config = testConfig({ mongodbUri, nodeId, namespace, stripe, ...settings });
    const runtime = { config, clock: systemClock, ids: systemIds };
    return startBroker({ services: make(runtime), nodeId, namespace, natsUrl: natsUrl() });
  };
  const core = (r: Runtime) => [
    createBookingsService(r),
    createPaymentsService(r),
    createBoxOfficeService(r),
    createPromotionsService(r),
  ];
  const others = [createInventoryService, createAccountsService, createMessagesService];
  const [one, two, worker, gateway] = await Promise.all([
    start('core-1', core),
    start('core-2', core),
    start('worker', (r) => others.map((create) => create(r))),
    start('gateway', (r) => [createApiService(r)]),
  ]);
  const services = ['bookings', 'payments', 'promotions', 'accounts', 'box-office'];
  await gateway.waitForServices(services, 10_000);
  for (const node of [one, two]) await node.waitForServices(['inventory', 'messages'], 10_000);
  return { cores: [one, two], worker, gateway };
}

/** Events and holds, made as the catalogue and the reservations make them. */
function sales(broker: ServiceBroker): Pick<BookingCluster, 'openEvent' | 'hold'> {
  const runtime = { config: testConfig(), clock: systemClock, ids: systemIds };
  const inventory = inventoryClientOf(broker, runtime);
  const base = (eventId: string) => ({ eventId, deadline: Date.now() + limits.callTimeoutMs });
  const layout = layoutOf([
    { row: 'A', seats: 20 },
    { row: 'B', seats: 20 },
  ]);
  return {
    openEvent: async (free = false) => {
      const eventId = makeId('event', systemIds.ulid());
      const prices = { A: free ? 0 : 5_000, B: 0, standing: 0 };
      const channels = ['public', 'box-office'] as const;
      const terms = termsOf(layout, { prices, channels, endsAt: Date.now() + 86_400_000 });
      const open = { kind: 'open', id: randomUUID(), version: 1, terms, ...base(eventId) } as const;
      await inventory.execute<'open'>(open);
      return eventId;
    },
    hold: (eventId, { userId }, seats) => {
      const id = randomUUID().replaceAll('-', '');
      const command: CommandOf<'hold'> = {
        kind: 'hold',
        id,
        holdId: holdIdOf(eventId, id),
        fingerprint: fingerprintOf(seats),
        buyerId: userId,
        channel: 'public',
        want: { by: 'seats', seats },
        ...base(eventId),
      };
      return inventory.execute<'hold'>(command);
    },
  };
}

function urlOf(broker: ServiceBroker): string {
  const api = broker.getLocalService('api') as unknown as { address(): { port: number } };
  return `http://127.0.0.1:${api.address().port}`;
}

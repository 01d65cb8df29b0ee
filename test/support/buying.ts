import { randomUUID } from 'node:crypto';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { makeId } from '#domain/ids.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { limits } from '#domain/limits.ts';
import { inventoryClientOf } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createApiService } from '#services/api.service.ts';
import { createAvailabilityService } from '#services/availability.service.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { createReservationsService } from '#services/reservations.service.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { send } from '#test/support/http.ts';

export { type Answer, send } from '#test/support/http.ts';

/** Nodes on NATS that let buyers hold seats: two gateways, two inventory nodes, one core node. */
export type BuyingCluster = {
  readonly gateways: readonly [string, string];
  readonly inventory: readonly ServiceBroker[];
  /** Opens an event for sale as the catalogue does and answers its id. */
  openEvent(terms: Terms): Promise<string>;
  changeTerms(eventId: string, version: number, terms: Terms): Promise<void>;
  /** Signs up a buyer and answers the access token. */
  buyer(name?: string): Promise<string>;
  stop(): Promise<void>;
};

/** Starts the nodes on this database; waits until they know each other. */
export async function startBuying(mongodbUri: string, natsUrl: string): Promise<BuyingCluster> {
  const namespace = testNamespace();
  const node = (name: string) => {
    const nodeId = `${name}-${namespace}`;
    const config = testConfig({ mongodbUri, nodeId, namespace });
    return { nodeId, runtime: { config, clock: systemClock, ids: systemIds } satisfies Runtime };
  };
  const start = (
    name: string,
    services: (runtime: Runtime) => Parameters<typeof startBroker>[0]['services'],
  ) => {
    const { nodeId, runtime } = node(name);
    return startBroker({ services: services(runtime), nodeId, namespace, natsUrl });
  };
  const inventory = await Promise.all(
    ['inventory-1', 'inventory-2'].map((name) => start(name, (r) => [createInventoryService(r)])),
  );
  const core = await start('core', (r) => [createAccountsService(r)]);
  const gateways = await Promise.all(
    ['gateway-1', 'gateway-2'].map((name) =>
      start(name, (r) => [
        createReservationsService(r),
        createAvailabilityService(r),
        createApiService(r),
      ]),
    ),
  );
  const [first, second] = gateways as [ServiceBroker, ServiceBroker];
  for (const broker of gateways) await broker.waitForServices(['inventory', 'accounts'], 10_000);
  const client = inventoryClientOf(first, node('gateway-1').runtime);
  const base = (eventId: string) => ({
    id: randomUUID(),
    eventId,
    deadline: Date.now() + limits.callTimeoutMs,
  });
  return {
    gateways: [urlOf(first), urlOf(second)],
    inventory,
    openEvent: async (terms) => {
      const eventId = makeId('event', systemIds.ulid());
      const open: CommandOf<'open'> = { kind: 'open', version: 1, terms, ...base(eventId) };
      await client.execute<'open'>(open);
      return eventId;
    },
    changeTerms: async (eventId, version, terms) => {
      const change = { kind: 'change-terms', version, terms, ...base(eventId) } as const;
      await client.execute<'change-terms'>(change);
    },
    buyer: async (name = randomUUID()) => {
      const body = { email: `${name}@example.org`, password: 'correct horse', name };
      const { body: session } = await send(urlOf(first), 'POST', '/v1/auth/signup', { body });
      return session.accessToken as string;
    },
    stop: async () => {
      await Promise.all([...gateways, core].map((broker) => broker.stop()));
      await Promise.all(inventory.map((broker) => broker.stop()));
    },
  };
}

function urlOf(broker: ServiceBroker): string {
  const api = broker.getLocalService('api') as unknown as { address(): { port: number } };
  return `http://127.0.0.1:${api.address().port}`;
}

export type OpenStream = {
  readonly status: number;
  readonly headers: Headers;
  /** Events so far. */
  readonly events: readonly EventSourceMessage[];
  /** The first event that fits; rejects after `ms`. */
  waitFor(fits: (event: EventSourceMessage) => boolean, ms?: number): Promise<EventSourceMessage>;
  close(): void;
};

/** Reads server-sent events as a browser does. */
export async function openStream(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const abort = new AbortController();
  const response = await fetch(`${url}${path}`, { headers, signal: abort.signal });
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => void events.push(event) });
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk));
  };
  read().catch(() => undefined);
  const waitFor: OpenStream['waitFor'] = async (fits, ms = 5_000) => {
    for (const end = Date.now() + ms; Date.now() < end; await systemClock.sleep(10)) {
      const event = events.find(fits);
      if (event !== undefined) return event;
    }
    throw new Error(`no such event among ${JSON.stringify(events).slice(0, 2_000)}`);
  };
  const { status, headers: answered } = response;
  return { status, headers: answered, events, waitFor, close: () => abort.abort() };
}

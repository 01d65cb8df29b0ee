import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Service, ServiceBroker, ServiceSchema } from 'moleculer';
import type { Db } from 'mongodb';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { readiness } from '#broker/readiness.ts';
import { metricsOf } from '#broker/work-middleware.ts';
import type { Role } from '#config/config.ts';
import type { WithActors } from '#mixins/event-actors.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Answer = { readonly status: number; readonly type: string; readonly body: string };

/** The services without which a role cannot do its work. */
const needs: Readonly<Record<Role, readonly string[]>> = {
  gateway: [
    'api',
    'reservations',
    'inventory',
    'bookings',
    'payments',
    'catalogue',
    'accounts',
    'search',
  ],
  inventory: ['inventory'],
  core: ['bookings', 'payments', 'catalogue', 'accounts', 'inventory'],
  worker: ['messages', 'scheduler'],
};

/**
 * For operators, on `OPS_PORT` of every node: `/health/live` (the process runs), `/health/ready`
 * (send it work: 200, or 503 with what is missing) and `/metrics` (Prometheus).
 */
export function createOpsService(runtime: Runtime): ServiceSchema {
  const { config } = runtime;
  let server: Server | undefined;
  return {
    name: 'ops',
    created(this: Service) {
      showActors(this.broker);
    },
    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      server = createServer((request, response) => {
        respond(() => answer(runtime, this.broker, db, pathOf(request)), request, response);
      });
      await listen(server, config.opsPort);
    },
    async stopped() {
      server?.close();
      server?.closeAllConnections();
      await releaseMongo(config.mongodbUri);
    },
  };
}

/** Counts the event actors of this node, none where it runs no inventory. */
function showActors(broker: ServiceBroker): void {
  const host = () =>
    (broker.getLocalService('inventory') as Partial<WithActors> | undefined)?.actors;
  const actors = () => host()?.list() ?? [];
  const metrics = metricsOf(broker);
  metrics?.gauge('usher_events_owned', 'Events whose actor lives on this node', () => {
    return actors().length;
  });
  metrics?.gauge('usher_takes_events', '1 while this node takes events, else 0', () => {
    return host()?.offering === true ? 1 : 0;
  });
  metrics?.gauge('usher_mailbox_commands', 'Commands that wait in mailboxes of actors', () => {
    return actors().reduce((sum, { mailbox }) => sum + mailbox, 0);
  });
}

async function answer(
  { config, clock }: Runtime,
  broker: ServiceBroker,
  db: Db,
  path: string,
): Promise<Answer> {
  switch (path) {
    case '/health/live':
      return json(200, { live: true, node: config.nodeId, roles: config.roles });
    case '/health/ready': {
      const needed = [...new Set(config.roles.flatMap((role) => needs[role]))];
      const result = await readiness(broker, db, needed, clock);
      return json(result.ready ? 200 : 503, { ...result, node: config.nodeId });
    }
    case '/metrics': {
      const metrics = metricsOf(broker);
      if (metrics === undefined) return json(404, { error: 'This node keeps no metrics' });
      return { status: 200, type: metrics.contentType, body: await metrics.text() };
    }
    default:
      return json(404, { error: 'There is /health/live, /health/ready and /metrics' });
  }
}

async function respond(
  find: () => Promise<Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { status, type, body } = await find();
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  } catch (error) {
    response.destroy(error as Error);
  }
}

const pathOf = (request: IncomingMessage): string => request.url?.split('?')[0] ?? '/';

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
}

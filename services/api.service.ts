import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Service, ServiceBroker, ServiceSchema } from 'moleculer';
import ApiGateway from 'moleculer-web';
import { busyShare } from '#adapters/machine/busy-share.ts';
import { othersStarted } from '#broker/started.ts';
import { metricsOf } from '#broker/work-middleware.ts';
import type { ServiceContract } from '#contracts/contract.ts';
import { contracts } from '#contracts/index.ts';
import { authMixin, type WithAuth } from '#mixins/auth.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import type { Authenticate } from '#services/api/access.ts';
import { Dispatcher, type WebGateway } from '#services/api/dispatcher.ts';
import { webFiles } from '#services/api/files.ts';
import { Gateway } from '#services/api/gateway.ts';
import { operationsOf } from '#services/api/operation.ts';
import { ownPages } from '#services/api/pages.ts';
import { aliasesOf, Router } from '#services/api/router.ts';
import { boundedServer, closeServer, listen } from '#services/api/server.ts';

export type ApiOptions = {
  /** Default: every contract of the system. */
  readonly contracts?: readonly ServiceContract[];
  /** Default: the access tokens of the accounts service. */
  readonly authenticate?: Authenticate;
};

/** Of moleculer-web; the HTTP server is made below: how it is bounded and drained differs. */
const webSettings = {
  server: false,
  routes: null,
  logRouteRegistration: false,
  // Nothing of this concerns other nodes.
  $secureSettings: ['server', 'routes', 'logRouteRegistration'],
};

/**
 * The HTTP side of the system: every action whose contract has an HTTP mapping, the OpenAPI
 * document and its page, and the web application. moleculer-web compiles the addresses and serves
 * files; requests go straight from its aliases to the action, see `services/api/gateway.ts`.
 * The method `address()` tells where it listens; stopping the service drains it.
 */
export function createApiService(runtime: Runtime, options: ApiOptions = {}): ServiceSchema {
  const { clock, ids, config } = runtime;
  const { limits } = config;
  const services = options.contracts ?? contracts;
  const operations = operationsOf(services);
  const freshId = (): string => ids.ulid();
  let gateway: Gateway;
  let server: Server;

  return {
    name: 'api',
    mixins: [ApiGateway, ...(options.authenticate === undefined ? [authMixin(runtime)] : [])],
    settings: webSettings,
    actions: { rest: false, listAliases: false, addRoute: false, removeRoute: false },
    methods: { address: () => server.address() as AddressInfo },
    created(this: Service) {
      const web = this as Service & WithAuth & WebGateway;
      const authenticate = options.authenticate ?? ((token) => web.authenticate(token));
      const { broker } = this;
      const busy = busyShare();
      gateway = new Gateway({ broker, clock, limits, authenticate, freshId, busy, operations });
      showGateway(this.broker, gateway);
      const aliases = {
        ...ownPages(gateway, services, limits),
        ...aliasesOf(
          operations,
          (operation) => (exchange, path) => gateway.serve(operation, exchange, path),
        ),
      };
      web.addRoute({ path: '/', aliases, bodyParsers: false });
      const router = new Router(web, aliases);
      const files = webFiles(config.stripe.apiBase && new URL(config.stripe.apiBase).origin);
      const dispatcher = new Dispatcher(web, gateway, router, files, limits, freshId);
      server = boundedServer(limits, freshId, (request, response) =>
        dispatcher.dispatch(request, response),
      );
    },
    async started(this: Service) {
      await othersStarted(this.broker, 'api', clock, limits.startWaitMs);
      await listen(server, config.port);
    },
    async stopped() {
      await closeServer(server, () => gateway.drain());
    },
  };
}

function showGateway(broker: ServiceBroker, gateway: Gateway): void {
  const metrics = metricsOf(broker);
  metrics?.gauge('usher_http_in_flight', 'Requests that are being answered', () => {
    return gateway.inFlight;
  });
  metrics?.gauge('usher_http_refused', 'Requests refused at once, as too many run', () => {
    return gateway.refusedAtOnce;
  });
}

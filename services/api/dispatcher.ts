import type { IncomingMessage, ServerResponse } from 'node:http';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { commonHeaders, type Exchange, requestIdOf, splitUrl } from '#services/api/exchange.ts';
import type { Files } from '#services/api/files.ts';
import type { Gateway } from '#services/api/gateway.ts';
import type { AliasTable, Router } from '#services/api/router.ts';

const exposedHeaders = [
  'ETag',
  'Idempotent-Replayed',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
];
const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'Last-Event-ID',
  'X-Request-Id',
];

/** Any site may call: nothing is granted by a cookie, only by the token a caller sends. */
const corsSettings = {
  origin: '*',
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  exposedHeaders,
  allowedHeaders,
  maxAge: 86_400,
};

/** What the gateway uses of moleculer-web. */
export type WebGateway = AliasTable & {
  addRoute(options: object): unknown;
  writeCorsHeaders(
    options: object,
    request: IncomingMessage,
    response: ServerResponse,
    preflight: boolean,
  ): void;
};

/** Takes every request of the HTTP server to its route, a file, or a refusal. */
export class Dispatcher {
  readonly #web: WebGateway;
  readonly #gateway: Gateway;
  readonly #router: Router;
  readonly #files: Files;
  readonly #limits: Limits;
  readonly #freshId: () => string;

  constructor(
    web: WebGateway,
    gateway: Gateway,
    router: Router,
    files: Files,
    limits: Limits,
    freshId: () => string,
  ) {
    this.#web = web;
    this.#gateway = gateway;
    this.#router = router;
    this.#files = files;
    this.#limits = limits;
    this.#freshId = freshId;
  }

  dispatch(request: IncomingMessage, response: ServerResponse): void {
    const { path, query } = splitUrl(request.url ?? '/');
    const requestId = requestIdOf(request, this.#limits.requestIdCharsMax, this.#freshId);
    const exchange: Exchange = { request, response, requestId, path, query };
    const method = request.method ?? 'GET';
    // A client that is gone is no error of ours.
    response.on('error', () => {});
    if (this.#gateway.draining) response.setHeader('Connection', 'close');
    if (request.headers.origin !== undefined) {
      this.#web.writeCorsHeaders({ cors: corsSettings }, request, response, method === 'OPTIONS');
    }
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      this.#gateway.refuse(exchange, new UsherError('malformed-request', 'no Host header'));
      return;
    }
    const found = method === 'OPTIONS' ? undefined : this.#router.find(method, path);
    if (found === undefined) this.#elsewhere(exchange, method);
    else void this.#run(() => found.route(exchange, found.path), exchange);
  }

  async #run(route: () => Promise<void> | void, exchange: Exchange): Promise<void> {
    try {
      await route();
    } catch (error) {
      this.#gateway.refuse(exchange, error);
    }
  }

  /** No operation has this method and address: a file, OPTIONS, 405 or 404. */
  #elsewhere(exchange: Exchange, method: string): void {
    const methods = this.#router.methodsOf(exchange.path);
    if (methods.length > 0) {
      const allow = { Allow: methods.join(', ') };
      if (method !== 'OPTIONS') {
        this.#gateway.refuse(exchange, new UsherError('method-not-allowed'), allow);
        return;
      }
      exchange.response.writeHead(204, { ...commonHeaders(exchange.requestId), ...allow }).end();
      return;
    }
    this.#files(exchange, () => this.#gateway.refuse(exchange, new UsherError('not-found')));
  }
}

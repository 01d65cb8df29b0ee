import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { control } from '#adapters/payments/simulator/control.ts';
import type { Exchange } from '#adapters/payments/simulator/exchange.ts';
import { decodeForm } from '#adapters/payments/simulator/form.ts';
import { showChallenge, takeChallenge } from '#adapters/payments/simulator/pages.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const bodyBytesMax = 200_000;
const challengePath = /^\/_simulator\/3ds\/((?:pi|seti)_\w+)$/;

export type Handling = {
  readonly world: World;
  readonly exchange: Exchange;
  readonly apiVersion: string;
};

function send(
  response: http.ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, no-store',
    ...headers,
  });
  response.end(body);
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > bodyBytesMax) throw new RangeError('The body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function outcomeOf(request: http.IncomingMessage, body: string): unknown {
  if (!request.headers['content-type']?.includes('json')) return decodeForm(body)?.outcome;
  try {
    return (JSON.parse(body) as { readonly outcome?: unknown } | null)?.outcome;
  } catch {
    return undefined;
  }
}

async function handle(
  { world, exchange, apiVersion }: Handling,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://simulator');
  const body = await bodyOf(request);
  const challenge = challengePath.exec(url.pathname);
  if (challenge !== null) {
    const id = challenge[1] ?? '';
    const secret = url.searchParams.get('client_secret');
    const json = request.headers.accept?.includes('application/json') === true;
    const page =
      method === 'POST'
        ? await takeChallenge(world, { id, secret, outcome: outcomeOf(request, body), json })
        : await showChallenge(world, id, secret);
    const { status, type, body: content, location } = page;
    send(response, status, type, content, location === undefined ? {} : { location });
    return;
  }
  const controlled = await control(world, method, url.pathname, body);
  if (controlled !== undefined) {
    send(response, controlled.status, 'application/json', JSON.stringify(controlled.body));
    return;
  }
  // Pages of any origin may ask, as they may ask Stripe.
  response.setHeader('access-control-allow-origin', '*');
  if (method === 'OPTIONS') {
    response.setHeader(
      'access-control-allow-headers',
      'authorization, content-type, stripe-version',
    );
    response.writeHead(204).end();
    return;
  }
  const key = request.headers['idempotency-key'];
  const answer = await exchange.answer({
    method,
    path: url.pathname,
    query: url.search.slice(1),
    body,
    authorization: request.headers.authorization,
    idempotencyKey: typeof key === 'string' ? key : undefined,
  });
  if (answer.kind !== 'answer') {
    if (answer.kind === 'drop') request.socket.destroy();
    return;
  }
  const version = request.headers['stripe-version'];
  send(response, answer.status, 'application/json', answer.payload, {
    ...answer.headers,
    'stripe-version': typeof version === 'string' ? version : apiVersion,
  });
}

export type Listening = { readonly port: number; close(): Promise<void> };

/** Listens on all interfaces of `host`; rejects when the port is taken. Unanswered requests end
 * with the client's patience. */
export async function listen(handling: Handling, host: string, port: number): Promise<Listening> {
  const server = http.createServer((request, response) => {
    handle(handling, request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else send(response, 400, 'application/json', '{"error":{"type":"invalid_request_error"}}');
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close };
}

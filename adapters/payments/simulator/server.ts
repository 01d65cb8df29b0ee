import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { control } from '#adapters/payments/simulator/control.ts';
import type { Exchange } from '#adapters/payments/simulator/exchange.ts';
import { decodeForm } from '#adapters/payments/simulator/form.ts';
import { showChallenge, takeChallenge } from '#adapters/payments/simulator/pages.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const bodyBytesMax = 200_000;
const challengePath = /^\/_simulator\/3ds\/((?:pi|seti)_\w+)$/;

/** Pages of any origin may ask, as they may ask Stripe. */
const anyOrigin = { 'access-control-allow-origin': '*' };

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

function bodyOf(request: http.IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size > bodyBytesMax) reject(new RangeError('The body is too large'));
      else parts.push(part);
    });
    request.on('end', () => resolve(Buffer.concat(parts).toString()));
    request.on('error', reject);
  });
}

/** Path and query. */
function partsOf(url: string): readonly [string, string] {
  const end = url.indexOf('?');
  return end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
}

function outcomeOf(request: http.IncomingMessage, body: string): unknown {
  if (!request.headers['content-type']?.includes('json')) return decodeForm(body)?.outcome;
  try {
    return (JSON.parse(body) as { readonly outcome?: unknown } | null)?.outcome;
  } catch {
    return undefined;
  }
}

/** What Stripe has not: the bank's page, and the control of faults. False for other paths. */
async function ownPage(
  { world }: Handling,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  body: string,
): Promise<boolean> {
  const { method = 'GET' } = request;
  const [path, query] = partsOf(request.url ?? '/');
  const id = challengePath.exec(path)?.[1];
  if (id !== undefined) {
    const secret = new URLSearchParams(query).get('client_secret');
    const json = request.headers.accept?.includes('application/json') === true;
    const page =
      method === 'POST'
        ? await takeChallenge(world, { id, secret, outcome: outcomeOf(request, body), json })
        : await showChallenge(world, id, secret);
    const { status, type, body: content, location } = page;
    send(response, status, type, content, location === undefined ? {} : { location });
    return true;
  }
  const controlled = await control(world, method, path, body);
  if (controlled === undefined) return false;
  send(response, controlled.status, 'application/json', JSON.stringify(controlled.body));
  return true;
}

async function handle(
  handling: Handling,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { exchange, apiVersion } = handling;
  const method = request.method ?? 'GET';
  const [path, query] = partsOf(request.url ?? '/');
  const body = await bodyOf(request);
  if (path.startsWith('/_simulator/') && (await ownPage(handling, request, response, body))) return;
  if (method === 'OPTIONS') {
    response.writeHead(204, {
      ...anyOrigin,
      'access-control-allow-headers': 'authorization, content-type, stripe-version',
    });
    response.end();
    return;
  }
  const key = request.headers['idempotency-key'];
  const answer = await exchange.answer({
    method,
    path,
    query,
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
    ...anyOrigin,
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

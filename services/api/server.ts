import { createServer, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { problemMessage } from '#services/api/problem.ts';

/** A server that bounds what a client can hold: connections, slow headers and bodies, idle ones. */
export function boundedServer(
  limits: Limits,
  freshId: () => string,
  listener: RequestListener,
): Server {
  // How often Node looks for requests that take too long.
  const connectionsCheckingInterval = Math.ceil(limits.httpHeadersTimeoutMs / 2);
  const server = createServer(
    // The dispatcher refuses a request without a Host, so that it gets a problem document.
    { connectionsCheckingInterval, requireHostHeader: false },
    listener,
  );
  server.maxConnections = limits.httpConnectionsMax;
  server.headersTimeout = limits.httpHeadersTimeoutMs;
  server.requestTimeout = limits.httpReceiveTimeoutMs;
  server.keepAliveTimeout = limits.httpKeepAliveMs;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuseUnreadable(error, socket, freshId()),
  );
  return server;
}

/** What Node's parser could not make a request of still gets a problem document. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = new UsherError(unreadable[error.code ?? ''] ?? 'malformed-request');
  socket.end(problemMessage(problem, requestId, 'close'));
}

/** Node's codes for what its parser gave up on. */
const unreadable: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Listens on all addresses; rejects when the port is taken. Port 0 takes a free one. */
export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Takes no new connection, lets `drain` finish what runs, then closes what is still open. */
export async function closeServer(server: Server, drain: () => Promise<void>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await drain();
  server.closeIdleConnections();
  server.closeAllConnections();
  await closed;
}

import { connect, createServer } from 'node:net';
import type { Clock } from '#adapters/clock/port.ts';

/** A TCP port of 127.0.0.1 that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Why a server cannot listen on the port on all interfaces: `EADDRINUSE`, `EACCES`, …. */
export function listenObstacle(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, () => server.close(() => resolve(undefined)));
  });
}

/** Whether somebody takes connections at the address; asked once, for `waitMs` at most. */
export function answersAt(
  host: string,
  port: number,
  waitMs: number,
  clock: Clock,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, host);
  const cancel = clock.after(waitMs, () => resolve(false));
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => {
    cancel();
    socket.destroy();
  });
}

import { connect, createServer } from 'node:net';
import type { Clock } from '#adapters/clock/port.ts';

/** Below the ports that systems give to outgoing connections, which could take one meanwhile. */
const firstPort = 15_000;
const ports = 15_000;
/** Processes begin at places of their own, so that they seldom ask for the same port at once. */
let next = (process.pid * 37) % ports;

/** A TCP port that nobody listens on at this moment; another one at each call. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ports; attempt++) {
    const port = firstPort + next;
    next = (next + 1) % ports;
    if ((await listenObstacle(port)) === undefined) return port;
  }
  throw new Error(`No port from ${firstPort} to ${firstPort + ports} is free`);
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

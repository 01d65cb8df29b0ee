import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request on its way through the gateway, and its answer. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Address without its query string. */
  readonly path: string;
  /** What stands behind `?`, empty where there is none. */
  readonly query: string;
};

const requestIdPattern = /^[\w\-.:/+=]+$/;

/** The client's X-Request-Id where it is fit to be logged and sent back, else a new one. */
export const requestIdOf = (
  request: IncomingMessage,
  charsMax: number,
  fresh: () => string,
): string => fitRequestId(request.headers['x-request-id'], charsMax) ?? fresh();

/** What a client gave as request id, unless it is unfit. */
export const fitRequestId = (
  given: string | string[] | undefined,
  charsMax: number,
): string | undefined =>
  typeof given === 'string' && given.length <= charsMax && requestIdPattern.test(given)
    ? given
    : undefined;

/** Splits `/v1/events?q=x` into path and query. */
export function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark === -1
    ? { path: url, query: '' }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Headers of every answer. */
export const commonHeaders = (requestId: string): Record<string, string | number> => ({
  'X-Request-Id': requestId,
  'X-Content-Type-Options': 'nosniff',
});

/**
 * Ends the answer. What the client still sends is read and dropped up to `dropBytesMax`, so that it
 * gets to see the answer; then the connection is cut.
 */
export function end(exchange: Exchange, body: string | Buffer | undefined, dropBytesMax: number) {
  const { request, response } = exchange;
  if (!request.complete) drop(request, dropBytesMax);
  if (body === undefined || request.method === 'HEAD') response.end();
  else response.end(body);
}

function drop(request: IncomingMessage, bytesMax: number): void {
  let dropped = 0;
  request.on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > bytesMax) request.socket.destroy();
  });
  request.on('error', () => {});
  request.resume();
}

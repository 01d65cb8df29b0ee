import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServiceBroker } from 'moleculer';
import type { Caller } from '#contracts/common.ts';

/** One request for a stream, authenticated and parsed by its contract. */
export type StreamRequest = {
  /** Parsed params, as the contract's `params` gives them. */
  readonly params: unknown;
  /** `request.headers['last-event-id']`, `accept`, … */
  readonly request: IncomingMessage;
  /** Nothing is written yet, except that X-Request-Id and the CORS headers are set. */
  readonly response: ServerResponse;
  readonly caller?: Caller;
  readonly requestId: string;
  /**
   * Aborted when the client has gone or the gateway drains: end the response, give back what was
   * taken.
   */
  readonly signal: AbortSignal;
};

/**
 * Writes head and body itself, for as long as it likes. What it throws before the head is sent
 * becomes the usual problem document; after that the connection is closed.
 */
export type StreamHandler = (stream: StreamRequest) => Promise<void> | void;

const handlersByBroker = new WeakMap<ServiceBroker, Map<string, StreamHandler>>();

/**
 * Serves an action as a stream. A contract whose `http.mediaType` is `text/event-stream` is not
 * called as an action by the gateway: the request goes to the handler registered under the action's
 * full name in the same process (so whoever serves streams runs on gateway nodes). Without one the
 * answer is 503 `unavailable`. Register in `started`, call what it answers in `stopped`.
 */
export function registerStream(
  broker: ServiceBroker,
  action: string,
  handler: StreamHandler,
): () => void {
  const handlers = handlersByBroker.get(broker) ?? new Map<string, StreamHandler>();
  handlersByBroker.set(broker, handlers);
  if (handlers.has(action)) throw new Error(`${action} is streamed twice`);
  handlers.set(action, handler);
  return () => {
    if (handlers.get(action) === handler) handlers.delete(action);
  };
}

export const streamHandlerOf = (broker: ServiceBroker, action: string): StreamHandler | undefined =>
  handlersByBroker.get(broker)?.get(action);

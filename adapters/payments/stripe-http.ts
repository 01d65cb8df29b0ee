import Stripe from 'stripe';
import { type Dispatcher, Pool } from 'undici';
import type { Cancel, Clock } from '#adapters/clock/port.ts';

type Client = Stripe.HttpClient;
type Request = Parameters<Client['makeRequest']>;
type Reply = Stripe.HttpClientResponse;
type Headers = ReturnType<Reply['getHeaders']>;

/** A connection that was not used for so long is closed: the other side may be about to do so. */
const idleMs = 20_000;

/** An answer that was read to its end; what the SDK shows as `lastResponse`. */
class Answer implements Reply {
  readonly statusCode: number;
  readonly headers: Headers;
  readonly #body: string;

  constructor(statusCode: number, headers: Headers, body: string) {
    this.statusCode = statusCode;
    this.headers = headers;
    this.#body = body;
  }

  getStatusCode(): number {
    return this.statusCode;
  }

  getHeaders(): Headers {
    return this.headers;
  }

  getRawResponse(): unknown {
    return this;
  }

  /** Nothing that is asked here is streamed. */
  toStream(): never {
    throw new Error('Answers are not streamed');
  }

  async toJSON(): Promise<unknown> {
    return JSON.parse(this.#body);
  }
}

/** Codes by which the SDK knows a connection that was closed, and repeats the request once. */
const asTheSdkSays = (error: Error & { readonly code?: string }): Error =>
  error.code === 'UND_ERR_SOCKET' ? Object.assign(error, { code: 'ECONNRESET' }) : error;

/** One request under way; settles once, with the whole answer, an error or at its time limit. */
class Asking implements Dispatcher.DispatchHandler {
  readonly answer = Promise.withResolvers<Reply>();
  readonly #timer: Cancel;
  readonly #parts: Buffer[] = [];
  #status = 0;
  #headers: Headers = {};
  #controller: Dispatcher.DispatchController | undefined;
  #late: Error | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#timer = clock.after(timeoutMs, () => this.#giveUp());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#late !== undefined) controller.abort(this.#late);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: object): void {
    this.#status = status;
    this.#headers = headers as Headers;
  }

  onResponseData(_: Dispatcher.DispatchController, part: Buffer): void {
    this.#parts.push(part);
  }

  onResponseEnd(): void {
    this.#timer();
    const [first] = this.#parts;
    const body = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    this.answer.resolve(new Answer(this.#status, this.#headers, body?.toString() ?? ''));
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#timer();
    this.answer.reject(asTheSdkSays(error));
  }

  #giveUp(): void {
    this.#late = Stripe.HttpClient.makeTimeoutError();
    this.answer.reject(this.#late);
    this.#controller?.abort(this.#late);
  }
}

/**
 * The SDK's way to Stripe: kept connections, one request on each at a time, as many as there are
 * requests under way, which costs less than the SDK's own client. The time limit is that of the whole
 * request, connecting included.
 */
export class StripeHttp implements Client {
  readonly #clock: Clock;
  readonly #pools = new Map<string, Pool>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends what is under way. */
  close(): void {
    for (const pool of this.#pools.values()) void pool.destroy();
  }

  getClientName(): string {
    return 'undici';
  }

  makeRequest(...[host, port, path, method, headers, body, protocol, timeout]: Request) {
    const asking = new Asking(this.#clock, timeout);
    this.#poolOf(`${protocol}://${host}:${port}`).dispatch(
      { path, method, headers: headers as Record<string, string>, body: body || null },
      asking,
    );
    return asking.answer.promise;
  }

  #poolOf(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: idleMs,
      // The time limit of each request is its own.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#pools.set(origin, pool);
    return pool;
  }
}

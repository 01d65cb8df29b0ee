import { Agent, request } from 'undici';

export type Answer<T = Record<string, unknown>> = {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
};

export type Send = {
  readonly token?: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * A small JSON client over kept-alive connections. Every request has a time limit; a connection
 * that breaks rejects, anything with a status resolves.
 */
export class HttpClient {
  readonly #agent: Agent;
  readonly #bases: readonly string[];
  readonly #timeoutMs: number;
  #turn = 0;

  /** Requests go round the given base URLs (several gateways). */
  constructor(bases: readonly string[], connections: number, timeoutMs = 30_000) {
    this.#bases = bases;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({ connections, pipelining: 1, keepAliveTimeout: 30_000 });
  }

  async send<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, options: Send = {}) {
    const base = this.#bases[this.#turn++ % this.#bases.length] as string;
    const { statusCode, headers, body } = await request(base + path, {
      dispatcher: this.#agent,
      method,
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      headers: headersOf(options),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await body.text();
    return { status: statusCode, headers, body: parse<T>(text) } satisfies Answer<T>;
  }

  close(): Promise<void> {
    return this.#agent.close();
  }
}

function headersOf(options: Send): Record<string, string> {
  return {
    ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
    ...options.headers,
  };
}

function parse<T>(text: string): T {
  if (text === '') return {} as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    return { text } as T;
  }
}

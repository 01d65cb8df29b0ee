import { hash } from 'node:crypto';
import {
  assertSecret,
  browserParams,
  isPublishable,
} from '#adapters/payments/simulator/browser.ts';
import type { Endpoint } from '#adapters/payments/simulator/endpoint.ts';
import { endpoints, runEndpoint } from '#adapters/payments/simulator/endpoints.ts';
import { ApiError, type ErrorBody } from '#adapters/payments/simulator/errors.ts';
import type { FaultRule } from '#adapters/payments/simulator/faults.ts';
import { decodeForm, type Params } from '#adapters/payments/simulator/form.ts';
import type { Answer, AnswerDoc } from '#adapters/payments/simulator/model.ts';
import { text } from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

export type ApiRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
};

/** `drop`: the socket is to be closed; `hang`: never answered. */
export type ApiResponse =
  | { readonly kind: 'drop' | 'hang' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly payload: string;
      readonly headers: Readonly<Record<string, string>>;
    };

/** Faults by which a request gets no answer. */
const silences = {
  timeout: 'hang',
  disconnect: 'drop',
  error: undefined,
  'rate-limit': undefined,
} as const satisfies Record<FaultRule['kind'], 'hang' | 'drop' | undefined>;

const keyLifeMs = 24 * 3_600_000;

type Job = {
  readonly endpoint: Endpoint;
  readonly id: string;
  readonly params: Params;
  readonly requestId: string;
  readonly key: string | undefined;
  readonly fingerprint: string;
};

const failure = (status: number, error: ErrorBody): ApiError => new ApiError(status, error, false);

const serverError = (saved: boolean): ApiError =>
  new ApiError(500, { type: 'api_error', message: 'An unknown error occurred' }, saved);

/** Turns requests into answers: key, endpoint, idempotency, faults. One for a process. */
export class Exchange {
  readonly #world: World;
  readonly #running = new Set<string>();

  readonly #secretKey: string | undefined;

  /** Without a `secretKey` every key is taken. */
  constructor(world: World, secretKey: string | undefined) {
    this.#world = world;
    this.#secretKey = secretKey;
  }

  async answer(request: ApiRequest): Promise<ApiResponse> {
    const requestId = this.#world.newId('req', 14);
    const replyWith = (status: number, payload: string, more: Record<string, string> = {}) => ({
      kind: 'answer' as const,
      status,
      payload,
      headers: { 'request-id': requestId, ...more },
    });
    try {
      const job = await this.#read(request, requestId);
      const fault = this.#world.plan.strike(job.endpoint.operation);
      if (fault?.kind === 'rate-limit') throw this.#rateLimit();
      const silence = fault === undefined ? undefined : silences[fault.kind];
      if (silence !== undefined && !fault?.after) return { kind: silence };
      const reply = await this.#idempotently(job, fault);
      if (silence !== undefined) return { kind: silence };
      return replyWith(reply.status, reply.payload, reply.headers);
    } catch (error) {
      const known = error instanceof ApiError ? error : serverError(false);
      const retry = known.status === 409 ? { 'stripe-should-retry': 'true' } : undefined;
      return replyWith(known.status, JSON.stringify({ error: known.error }), retry);
    }
  }

  #rateLimit(): ApiError {
    const message = 'Request rate limit exceeded.';
    return failure(429, { type: 'invalid_request_error', code: 'rate_limit', message });
  }

  async #read(request: ApiRequest, requestId: string): Promise<Job> {
    const { method, path, query, body, authorization, idempotencyKey } = request;
    const given = decodeForm(method === 'GET' ? query : body);
    if (given === undefined) {
      throw failure(400, { type: 'invalid_request_error', message: 'Invalid request body' });
    }
    const key = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? text(given, 'key');
    const browser = key !== undefined && isPublishable(key);
    if (key === undefined || !(browser || key === (this.#secretKey ?? key))) {
      const message = key === undefined ? 'You did not provide an API key.' : 'Invalid API Key';
      throw failure(401, { type: 'invalid_request_error', message });
    }
    for (const endpoint of endpoints) {
      const found = endpoint.method === method ? endpoint.path.exec(path) : null;
      if (found === null) continue;
      const fingerprint = hash('sha256', `${method} ${path}\n${body}`);
      const id = found[1] ?? '';
      const { operation } = endpoint;
      const params = browser ? browserParams(operation, given) : given;
      if (browser) await assertSecret(this.#world, id, operation, given);
      const keyed = method === 'POST' ? idempotencyKey : undefined;
      return { endpoint, id, params, requestId, key: keyed, fingerprint };
    }
    const message = `Unrecognized request URL (${method}: ${path}).`;
    throw failure(404, { type: 'invalid_request_error', message });
  }

  async #idempotently(job: Job, fault: FaultRule | undefined) {
    const { key } = job;
    if (key === undefined) return this.#perform(job, fault);
    if (key.length > 255) {
      const message = 'Idempotency keys have at most 255 characters';
      throw failure(400, { type: 'invalid_request_error', message });
    }
    if (this.#running.has(key)) {
      const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}`;
      throw failure(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message });
    }
    this.#running.add(key);
    try {
      const kept = await this.#world.store.find('answer', `answer:${key}`);
      const forgotten = kept === undefined || kept.expiresAt.getTime() <= this.#world.clock.now();
      if (forgotten) return await this.#perform(job, fault);
      if (kept.fingerprint === job.fingerprint) return this.#replay(kept, key);
      const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`;
      throw failure(400, { type: 'idempotency_error', message });
    } finally {
      this.#running.delete(key);
    }
  }

  #replay(kept: AnswerDoc, key: string) {
    const headers: Record<string, string> = {
      'idempotency-key': key,
      'idempotent-replayed': 'true',
      'original-request': kept.requestId,
      ...(kept.status >= 500 && { 'stripe-should-retry': 'false' }),
    };
    return { status: kept.status, payload: kept.payload, headers };
  }

  async #perform(job: Job, fault: FaultRule | undefined) {
    const { endpoint, id, params } = job;
    const latency = this.#world.plan.latencyMs();
    if (latency > 0) await this.#world.clock.sleep(latency);
    const run = () => this.#execute(job, fault);
    const order = endpoint.orderBy?.(id, params);
    return order === undefined ? run() : this.#world.inOrder(order, run);
  }

  /** Runs the endpoint and stores effects, events and the answer kept under the key in one. */
  async #execute(job: Job, fault: FaultRule | undefined) {
    const { endpoint, id, params, requestId, key } = job;
    const request = { id: requestId, idempotencyKey: key ?? null };
    const skipped = fault?.kind === 'error' && !fault.after;
    const failed = fault?.kind === 'error';
    const answer = skipped
      ? this.#refusal(serverError(true))
      : await runEndpoint(endpoint, this.#world, id, params).catch((error: unknown) =>
          this.#refusal(error),
        );
    const told = failed ? this.#refusal(serverError(true)) : answer;
    const payload = JSON.stringify(told.body);
    const kept = key === undefined ? undefined : this.#kept(job, key, told.status, payload);
    const effects = { puts: answer.puts ?? [], events: answer.events ?? [] };
    await this.#world.commit(effects, kept, request);
    const headers: Record<string, string> = {
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(told.status >= 500 && { 'stripe-should-retry': 'false' }),
    };
    return { status: told.status, payload, headers };
  }

  /** A refusal that is kept under the key; the others go up and leave nothing. */
  #refusal(error: unknown): Answer {
    if (error instanceof ApiError && error.saved) {
      return { status: error.status, body: { error: error.error } };
    }
    throw error;
  }

  #kept(job: Job, key: string, status: number, payload: string): AnswerDoc {
    const now = this.#world.clock.now();
    return {
      _id: `answer:${key}`,
      kind: 'answer',
      created: Math.floor(now / 1000),
      fingerprint: job.fingerprint,
      status,
      payload,
      requestId: job.requestId,
      expiresAt: new Date(now + keyLifeMs),
    };
  }
}

import type { Socket } from 'node:net';
import type { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { type HttpReply, replyOf } from '#broker/reply.ts';
import { streamHandlerOf } from '#broker/streams.ts';
import type { Caller, CallMeta } from '#contracts/common.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { type Authenticate, callerOf, idempotencyKeyOf } from '#services/api/access.ts';
import { Admission, type Admitted, type Lane } from '#services/api/admission.ts';
import { sendResult } from '#services/api/answer.ts';
import { Door } from '#services/api/door.ts';
import { type Exchange, fitRequestId, splitUrl } from '#services/api/exchange.ts';
import type { Glimpse } from '#services/api/glimpse.ts';
import { ImmutableAnswers } from '#services/api/immutable-answers.ts';
import type { Operation } from '#services/api/operation.ts';
import { type Patience, patienceOf } from '#services/api/patience.ts';
import { frequentMessage, outward, sendProblem } from '#services/api/problem.ts';
import { requestParams } from '#services/api/request-params.ts';

export type GatewayPorts = {
  readonly broker: ServiceBroker;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly authenticate: Authenticate;
  readonly freshId: () => string;
  /** Which part of the time since the last call the event loop was busy, 0 to 1. */
  readonly busy: () => number;
  readonly operations: readonly Operation[];
};

/** Made once: under overload it is the most frequent answer, and a stack costs more than it all. */
const overloaded = new UsherError('overloaded');
const overloadedMessage = frequentMessage(overloaded);

/** Of operations in whose course money is about to move, or has moved. */
const payTags: ReadonlySet<string> = new Set(['Bookings', 'Payments', 'Box office']);

type Fields = Readonly<Record<string, unknown>>;
/** What a broker's call gives: its context has what the action noted. */
type Calling = Promise<unknown> & { readonly ctx?: { readonly meta: unknown } };
export type PathParams = Readonly<Record<string, string>>;

/**
 * Turns requests into calls and results into answers. Of several reasons to refuse a request the
 * first in this order wins: address (404), method (405), overload (503), token (401), role (403),
 * Idempotency-Key (400, 422), body (415, 413, 400), contract (422), then the action's own.
 */
export class Gateway {
  readonly #ports: GatewayPorts;
  readonly #immutable: ImmutableAnswers;
  readonly #admission: Admission;
  /** Operations by method and address, where the address has no fields. */
  readonly #fixed: ReadonlyMap<string, Operation>;
  readonly #door: Door;
  readonly #streams = new Set<AbortController>();
  readonly #idle: Array<() => void> = [];
  #inFlight = 0;
  #refusedAtOnce = 0;
  #draining = false;

  constructor(ports: GatewayPorts) {
    this.#ports = ports;
    this.#immutable = new ImmutableAnswers(ports.limits);
    this.#admission = new Admission(ports.clock, ports.limits, ports.busy);
    this.#door = new Door(
      (seen, event, socket) => this.#refuseSeen(seen, event, socket),
      () => this.#admission.restMs,
      ports.clock,
    );
    this.#fixed = new Map(
      ports.operations
        .filter(({ pathFields }) => pathFields.length === 0)
        .map((operation) => [`${operation.http.method} ${operation.http.path}`, operation]),
    );
  }

  /** Requests refused at once because too many are under way, since the start. */
  get refusedAtOnce(): number {
    return this.#refusedAtOnce;
  }

  /** Requests that are being answered, streams not counted. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Answers one request to an operation; never rejects. */
  async serve(operation: Operation, exchange: Exchange, path: PathParams): Promise<void> {
    const { request, response } = exchange;
    this.#door.begun(request.socket, response);
    const lane = this.#laneOf(operation);
    const admitted = lane && this.#admission.enter(lane, this.#door.passing);
    if (lane !== undefined && admitted === undefined) {
      this.#refusedAtOnce++;
      this.#door.watch(request.socket, response);
      return this.refuse(exchange, overloaded);
    }
    this.#inFlight++;
    try {
      await (operation.stream
        ? this.#stream(operation, exchange, path)
        : this.#call(operation, exchange, path, admitted));
    } catch (error) {
      this.refuse(exchange, error);
    } finally {
      admitted?.leave();
      this.#inFlight--;
      if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Reads must go on where changes pile up. Who waits by agreement (long polls) is not counted. */
  #laneOf({ contract, http }: Operation): Lane | undefined {
    if ((contract.timeoutMs ?? 0) > this.#ports.limits.callTimeoutMs) return undefined;
    if (http.method === 'GET') return 'read';
    return payTags.has(http.tag) ? 'pay' : 'hold';
  }

  /** Refuses what the door saw if there is no room for it. */
  #refuseSeen(seen: Glimpse, event: string | undefined, socket: Socket): boolean {
    const { path } = splitUrl(seen.target);
    const operation = this.#fixed.get(`${seen.method} ${path}`);
    const lane = operation && this.#laneOf(operation);
    if (lane === undefined || this.#draining || !this.#admission.refuses(lane, event)) return false;
    this.#refusedAtOnce++;
    const { limits, freshId } = this.#ports;
    const requestId = fitRequestId(seen.requestId, limits.requestIdCharsMax) ?? freshId();
    socket.write(overloadedMessage(requestId), 'latin1');
    return true;
  }

  /** Answers with the problem document of whatever was thrown. */
  refuse(exchange: Exchange, error: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const problem = outward(error, exchange.request.method ?? 'GET');
    if (problem.code === 'internal' && !(error instanceof UsherError)) {
      const { requestId, path } = exchange;
      this.#ports.broker.logger.error('request failed', { requestId, path, error });
    }
    sendProblem(exchange, problem, this.#ports.limits.refusedBodyBytesMax, headers);
  }

  /**
   * Takes no new streams, ends the ones there are, and resolves when the last request in flight is
   * answered or `limits.drainMs` has passed.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const stream of this.#streams) stream.abort();
    if (this.#inFlight === 0) return;
    const { clock, limits } = this.#ports;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(limits.drainMs, resolve);
      this.#idle.push(() => {
        cancel();
        resolve();
      });
    });
  }

  async #call(
    operation: Operation,
    exchange: Exchange,
    path: PathParams,
    admitted: Admitted | undefined,
  ): Promise<void> {
    const { limits } = this.#ports;
    const { http } = operation;
    const caller = await this.#admit(operation, exchange);
    const key = idempotencyKeyOf(exchange.request, operation, limits.idempotencyKeyCharsMax);
    const bodyBytesMax = http.bodyBytesMax ?? limits.bodyBytesMax;
    const { raw } = await requestParams(operation, exchange, path, bodyBytesMax);
    if (admitted !== undefined && 'eventId' in raw) admitted.about(String(raw.eventId));
    const invoke = () => this.#invoke(operation, raw, exchange, caller, key);
    if (operation.immutable) {
      const address = `${operation.action} ${JSON.stringify(raw)}`;
      const make = async (): Promise<unknown> => (await invoke()).result;
      return this.#immutable.send(exchange, address, operation, make);
    }
    const { result, noted } = await invoke();
    const patience = patienceOf(operation, exchange.request, limits.longPollMaxSeconds);
    if (patience !== undefined) {
      admitted?.leave();
      const shown = await this.#shown(patience, result as Fields, exchange, caller);
      if (shown !== undefined) {
        const applied = { 'Preference-Applied': `wait=${patience.seconds}` };
        const how = { status: 200, headers: { ...noted?.headers, ...applied } };
        return sendResult(exchange, operation, shown, how, limits);
      }
    }
    await sendResult(exchange, operation, result, noted, limits);
  }

  /** What has become of a result; undefined: nobody can tell now. */
  async #shown(
    { action, id, seconds }: Patience,
    result: Fields,
    exchange: Exchange,
    caller: Caller | undefined,
  ): Promise<unknown> {
    const { limits } = this.#ports;
    const waitMs = seconds * 1_000 + limits.callTimeoutMs;
    const raw = { [id]: result[id], wait: seconds };
    const looking = this.#ask(action, raw, waitMs, exchange, caller);
    // What was asked for is under way all the same: its own answer says where to look.
    return looking.catch(() => undefined);
  }

  async #invoke(
    { action, contract }: Operation,
    raw: object,
    exchange: Exchange,
    caller: Caller | undefined,
    key: string | undefined,
  ): Promise<{ result: unknown; noted: HttpReply | undefined }> {
    const waitMs = contract.timeoutMs ?? this.#ports.limits.callTimeoutMs;
    const calling = this.#ask(action, raw, waitMs, exchange, caller, key);
    const result = await calling;
    return { result, noted: replyOf(calling.ctx?.meta, action) };
  }

  /** Calls an action that is given `waitMs`. */
  #ask(
    action: string,
    raw: object,
    waitMs: number,
    exchange: Exchange,
    caller: Caller | undefined,
    key?: string,
  ): Calling {
    const { broker, limits } = this.#ports;
    return broker.call(action, raw, {
      meta: this.#meta(exchange, waitMs, caller, key),
      requestID: exchange.requestId,
      // An action past its deadline is given the time to say so itself.
      timeout: waitMs + limits.httpTimeoutMs - limits.callTimeoutMs,
    });
  }

  #meta(exchange: Exchange, waitMs: number, caller?: Caller, key?: string): CallMeta {
    return {
      requestId: exchange.requestId,
      deadlineAt: this.#ports.clock.now() + waitMs,
      ...(caller === undefined ? {} : { caller }),
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
  }

  #admit(operation: Operation, exchange: Exchange): Promise<Caller | undefined> {
    return callerOf(exchange.request, operation.http.access, this.#ports.authenticate);
  }

  /** Hands the request over; the stream then lives on outside of what is in flight. */
  async #stream(operation: Operation, exchange: Exchange, path: PathParams): Promise<void> {
    const { broker, limits } = this.#ports;
    const caller = await this.#admit(operation, exchange);
    const { parsed } = await requestParams(operation, exchange, path, limits.bodyBytesMax);
    const handler = streamHandlerOf(broker, operation.action);
    if (handler === undefined || this.#draining) throw new UsherError('unavailable');

    const { request, response, requestId } = exchange;
    const gone = new AbortController();
    this.#streams.add(gone);
    response.once('close', () => {
      this.#streams.delete(gone);
      gone.abort();
    });
    response.setHeader('X-Request-Id', requestId);
    const stream = { params: parsed, request, response, requestId, signal: gone.signal };
    const handle = async (): Promise<void> =>
      handler(caller === undefined ? stream : { ...stream, caller });
    void handle().catch((error) => this.refuse(exchange, error));
  }
}

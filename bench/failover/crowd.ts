import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '#bench/support/http.ts';
import { type ErrorCode, errorRegistry } from '#domain/errors.ts';

/** One reservation that was accepted. Times are epoch ms. */
export type Accepted = {
  readonly eventId: string;
  readonly reservationId: string;
  /** When it was first asked for, when for the last time, when the answer was there. */
  readonly sentAt: number;
  readonly lastSentAt: number;
  readonly answeredAt: number;
  readonly tries: number;
};

export type CrowdOptions = {
  readonly http: HttpClient;
  readonly eventIds: readonly string[];
  /** Each buyer takes two reservations of an event at most. */
  readonly tokens: readonly string[];
  readonly perSecond: number;
  /** How many reservations were asked for, by event; crowds of one run share it. */
  readonly asked: Map<string, number>;
};

type Reply = { readonly reservationId?: string; readonly code?: string };

const patienceMs = 30_000;
const retryMs = { min: 40, max: 120 } as const;
const inFlightMax = 2_000;

/**
 * Buyers who ask for single seats at a constant rate, whatever becomes of the ones before. Where
 * the answer is "ask again", or none comes, they do so with the same idempotency key for 30 s.
 */
export class Crowd {
  readonly accepted: Accepted[] = [];
  /** What was refused for good, or never answered: code or status, and how often. */
  readonly failed: string[] = [];
  /** What was answered in between: code or `no answer`, and how often. */
  readonly retried = new Map<string, number>();
  readonly #o: CrowdOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #name = `crowd-${process.pid}-${Date.now()}`;
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CrowdOptions) {
    this.#o = options;
  }

  start(): void {
    const startedAt = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / 1_000) * this.#o.perSecond;
      for (; sent < due; sent++) this.#begin();
    }, 5);
  }

  /** No new buyers; resolves when those there are have their answers. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  /** Resolves with the first reservation of the event that was asked for and got after `since`. */
  async firstAfter(eventId: string, since: number, withinMs: number): Promise<Accepted> {
    for (let seen = 0, end = Date.now() + withinMs; Date.now() < end; await sleep(2)) {
      for (; seen < this.accepted.length; seen++) {
        const one = this.accepted[seen];
        if (one?.eventId === eventId && one.lastSentAt > since) return one;
      }
    }
    throw new Error(`Nothing was accepted within ${withinMs} ms`);
  }

  #begin(): void {
    if (this.#running.size >= inFlightMax) return;
    const { eventIds, tokens, asked } = this.#o;
    const eventId = eventIds[this.#turn++ % eventIds.length] as string;
    const number = asked.get(eventId) ?? 0;
    asked.set(eventId, number + 1);
    const token = tokens[number >> 1];
    if (token === undefined) {
      this.failed.push('no buyer left');
      return;
    }
    const run = this.#reserve(eventId, token, `${this.#name}-${eventId}-${number}`);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  async #reserve(eventId: string, token: string, idempotencyKey: string): Promise<void> {
    const body = { eventId, best: { quantity: 1 } };
    const sentAt = Date.now();
    for (let tries = 1; ; tries++) {
      const lastSentAt = Date.now();
      const answer = await this.#o.http
        .send<Reply>('POST', '/v1/reserve', { token, body, idempotencyKey })
        .catch(() => undefined);
      const { reservationId, code = 'no answer' } = answer?.body ?? {};
      if (answer?.status === 200 && reservationId !== undefined) {
        const answeredAt = Date.now();
        this.accepted.push({ eventId, reservationId, sentAt, lastSentAt, answeredAt, tries });
        return;
      }
      const again = answer === undefined || errorRegistry[code as ErrorCode]?.retryable === true;
      if (!again || Date.now() - sentAt > patienceMs) {
        this.failed.push(`${answer?.status ?? ''} ${code}`.trim());
        return;
      }
      this.retried.set(code, (this.retried.get(code) ?? 0) + 1);
      await sleep(retryMs.min + Math.random() * (retryMs.max - retryMs.min));
    }
  }
}

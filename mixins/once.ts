import { createHash } from 'node:crypto';
import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { IdempotencyStore, Remembered } from '#adapters/store/idempotency.ts';
import type { UsherContext } from '#broker/call.ts';
import { type HttpReply, reply, replyOf } from '#broker/reply.ts';
import { UsherError } from '#domain/errors.ts';
import { spellUlid } from '#domain/ids.ts';
import { fingerprintOf } from '#domain/inventory/command-id.ts';
import type { Limits } from '#domain/limits.ts';
import { deadlineOf } from '#mixins/caller.ts';

/** What a run is told of its request. */
export type Run = {
  /**
   * A ULID that is the same for every run of this request, also for the one after a crash; random
   * where the request has no key. Ids made from it let a second run meet what the first one did.
   */
  readonly ulid: string;
};

type Answer = { readonly result: unknown; readonly reply?: HttpReply };

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
const scopeOf = (userId: string, route: string, key: string): Buffer =>
  hash(JSON.stringify([userId, route, key]));

/** `Run.ulid` of a caller's request, for what remembers its keys itself. */
export const requestUlid = (userId: string, route: string, key: string): string =>
  spellUlid(scopeOf(userId, route, key));

/**
 * Runs requests once per Idempotency-Key. The scope of a key is caller + route: what is written
 * under one caller is never shown to another.
 */
export class Once {
  readonly #store: IdempotencyStore;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #limits: Limits;

  constructor(store: IdempotencyStore, clock: Clock, ids: Ids, limits: Limits) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
    this.#limits = limits;
  }

  /**
   * `run`, or its first success again (the HTTP answer then says `Idempotent-Replayed: true`, and
   * repeats status and headers noted with `reply`). Without a key or a caller it just runs.
   *
   * Rejects with `idempotency-key-reused` (same key, another `body`), `request-in-progress` (the
   * first still runs at this one's deadline), `unavailable`, or whatever `run` rejects with, which
   * is not remembered. A run that does not end within `limits.idempotencyLockMs` counts as crashed
   * and is run again: so a run must be repeatable, best by making its ids from `Run.ulid`.
   */
  async run<R>(
    ctx: UsherContext,
    route: string,
    body: unknown,
    run: (about: Run) => Promise<R>,
  ): Promise<R> {
    const { idempotencyKey: key, caller } = ctx.meta;
    if (key === undefined || caller === undefined) return run({ ulid: this.#ids.ulid() });
    const scope = scopeOf(caller.userId, route, key);
    const scopeId = scope.toString('hex');
    const mine = this.#newRun(fingerprintOf(body));
    const first = await this.#lock(scopeId, mine, deadlineOf(ctx, this.#clock.now(), this.#waitMs));
    if (first !== undefined) return this.#again<R>(ctx, first);
    return this.#first(ctx, scopeId, mine.runId, () => run({ ulid: spellUlid(scope) }));
  }

  /** Leaves time for the refusal to be sent. */
  get #waitMs(): number {
    return this.#limits.callTimeoutMs - 2 * this.#limits.idempotencyPollMs;
  }

  #newRun(fingerprint: string): Remembered {
    const lockedUntil = this.#clock.now() + this.#limits.idempotencyLockMs;
    return { fingerprint, runId: this.#ids.ulid(), lockedUntil };
  }

  /** Undefined: the lock is ours. Else the answer of the first run, waited for. */
  async #lock(scope: string, mine: Remembered, deadline: number): Promise<string | undefined> {
    for (;;) {
      const now = this.#clock.now();
      const there = await this.#store.begin(scope, mine, now + this.#limits.idempotencyTtlMs);
      if (there === undefined) return undefined;
      if (there.fingerprint !== mine.fingerprint) throw new UsherError('idempotency-key-reused');
      if (there.answer !== undefined) return there.answer;
      if (there.lockedUntil <= now) {
        const until = now + this.#limits.idempotencyLockMs;
        if (await this.#store.takeOver(scope, there.runId, mine.runId, until)) return undefined;
      }
      if (this.#clock.now() + this.#limits.idempotencyPollMs >= deadline) {
        throw new UsherError('request-in-progress', undefined, { retryAfterSeconds: 1 });
      }
      await this.#clock.sleep(this.#limits.idempotencyPollMs);
    }
  }

  #again<R>(ctx: UsherContext, text: string): R {
    const answer = JSON.parse(text) as Answer;
    const headers = { ...answer.reply?.headers, 'Idempotent-Replayed': 'true' };
    reply(ctx, { ...answer.reply, headers });
    return answer.result as R;
  }

  async #first<R>(
    ctx: UsherContext,
    scope: string,
    runId: string,
    run: () => Promise<R>,
  ): Promise<R> {
    let result: R;
    try {
      result = await run();
    } catch (error) {
      // Where this fails too, the lock runs out by itself.
      await this.#store.forget(scope, runId).catch(() => undefined);
      throw error;
    }
    const noted = replyOf(ctx.meta, ctx.action?.name ?? '');
    const answer: Answer = { result, ...(noted === undefined ? {} : { reply: noted }) };
    const expiresAt = this.#clock.now() + this.#limits.idempotencyTtlMs;
    // What was done is done: a memory that cannot be written must not turn it into a failure.
    await this.#store
      .finish(scope, runId, JSON.stringify(answer), expiresAt)
      .catch(() => ctx.broker.logger.warn('an idempotent answer was not remembered', { scope }));
    return result;
  }
}

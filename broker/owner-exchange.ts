import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { OwnerSearch, type Target } from '#broker/event-owner.ts';
import { ambiguous, type Failure, failureOf } from '#broker/inventory-failures.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { Lru } from '#domain/lru.ts';

/** What one attempt left undone; undefined: nothing. */
export type Step =
  | { readonly moved: string | undefined }
  | { readonly unavailable: true }
  | undefined;

export type Exchange = {
  /** Epoch ms: nothing is sent after it. */
  readonly deadline: () => number;
  /** True: an attempt that was not answered may have had its effect. */
  readonly mutates: boolean;
  /** Sends to the target. `reached`: an earlier attempt may have got to an actor. */
  readonly attempt: (target: Target, timeoutMs: number, reached: boolean) => Promise<Step>;
};

const silentNodesMax = 1_000;

/** Brings a message to the owner of its event, remembering owners from one message to the next. */
export class OwnerExchange {
  readonly #nodesOf: (eventId: string) => readonly string[];
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #limits: Limits;
  readonly #known: Lru<string>;
  /** Nodes that did not answer the last time they were asked, and when (monotonic ms). */
  readonly #silent = new Lru<number>(silentNodesMax);

  constructor(
    nodesOf: (eventId: string) => readonly string[],
    clock: Clock,
    ids: Ids,
    limits: Limits,
  ) {
    this.#nodesOf = nodesOf;
    this.#clock = clock;
    this.#ids = ids;
    this.#limits = limits;
    this.#known = new Lru(limits.knownOwnersMax);
  }

  /**
   * Repeats the attempt until it leaves nothing to do, at most `movedRetriesMax` times per cause.
   * Rejects with the actor's own error for the whole message, or `moving`, `unavailable`,
   * `deadline-exceeded`, and `outcome-unknown` in place of these where an attempt is open.
   */
  async run(eventId: string, exchange: Exchange): Promise<void> {
    const { movedRetriesMax } = this.#limits;
    const search = new OwnerSearch(eventId, this.#known, this.#nodesOf);
    const causes = { moved: 0, silent: 0 };
    let reached = false;
    for (let count = 1; ; count++) {
      const open = exchange.mutates && reached;
      const target = search.next();
      if (target === undefined) throw ambiguous(new UsherError('unavailable'), open);
      const leftMs = exchange.deadline() - this.#clock.now();
      if (leftMs <= 0) throw ambiguous(new UsherError('deadline-exceeded'), open);
      const timeoutMs = Math.min(leftMs, this.#patienceMs(target.nodeId));
      const failure = await this.#try(exchange, target, timeoutMs, reached);
      if (failure === undefined) return search.served(target.nodeId);
      if (failure.kind === 'final') throw ambiguous(failure.error, open);
      if (failure.kind === 'moved') search.moved(failure.owner);
      else search.silent(target.nodeId);
      if (failure.kind === 'silent') this.#silent.set(target.nodeId, this.#clock.monotonic());
      reached ||= failure.kind === 'silent' && failure.reached;
      if (++causes[failure.kind] > movedRetriesMax) {
        const error = new UsherError(failure.kind === 'moved' ? 'moving' : 'unavailable');
        throw ambiguous(error, exchange.mutates && reached);
      }
      await this.#pause(count, exchange.deadline());
    }
  }

  /** Who did not answer a moment ago keeps those waiting less who could ask another by now. */
  #patienceMs(nodeId: string): number {
    const { inventorySilenceMs, callTimeoutMs } = this.#limits;
    const since = this.#silent.get(nodeId) ?? Number.NEGATIVE_INFINITY;
    const lately = this.#clock.monotonic() - since < callTimeoutMs;
    return lately ? inventorySilenceMs / 2 : inventorySilenceMs;
  }

  async #try(
    exchange: Exchange,
    target: Target,
    timeoutMs: number,
    reached: boolean,
  ): Promise<Failure | undefined> {
    try {
      const step = await exchange.attempt(target, timeoutMs, reached);
      if (step === undefined) return undefined;
      if ('moved' in step) return { kind: 'moved', owner: step.moved };
      return { kind: 'silent', reached: false };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** The stated back-off, half to one and a half of it, but not beyond the deadline. */
  #pause(count: number, deadline: number): Promise<void> {
    const steps = this.#limits.movedBackoffMs;
    const stepMs = steps[Math.min(count, steps.length) - 1] ?? 0;
    const pauseMs = stepMs * (0.5 + this.#ids.chance());
    return this.#clock.sleep(Math.max(0, Math.min(pauseMs, deadline - this.#clock.now())));
  }
}

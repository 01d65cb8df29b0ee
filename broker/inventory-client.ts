import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { toUsherError } from '#broker/errors.ts';
import type { Target } from '#broker/event-owner.ts';
import { settleReply } from '#broker/inventory-failures.ts';
import { commandBytes, replyBytes } from '#broker/inventory-sizes.ts';
import { OwnerExchange, type Step } from '#broker/owner-exchange.ts';
import type { ExecuteReply, InventoryPort } from '#contracts/inventory.contract.ts';
import { UsherError } from '#domain/errors.ts';
import type { Command, CommandKind, CommandOf, ReplyOf } from '#domain/inventory/commands.ts';
import type { Limits } from '#domain/limits.ts';

/** The way to the inventory nodes: Moleculer in the product (`broker/inventory-sender.ts`). */
export interface InventorySender {
  /** Nodes that offer inventory now, in the event's hash order, those that take no events last. */
  nodesOf(eventId: string): readonly string[];
  /** Asks that node. Settles within `timeoutMs`; rejects as Moleculer's `broker.call` does. */
  send(
    nodeId: string,
    action: 'execute' | 'view',
    params: Record<string, unknown>,
    timeoutMs: number,
  ): Promise<unknown>;
}

export type InventoryView = {
  readonly eventId: string;
  readonly version: number;
  readonly chartVersion: number;
  readonly sale: 'open' | 'paused' | 'cancelled' | 'ended';
  readonly counts: {
    readonly available: number;
    readonly reserved: number;
    readonly sold: number;
    readonly blocked: number;
  };
  readonly seats: string;
};

type Pending = {
  readonly command: Command;
  readonly bytes: number;
  readonly replyBytes: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: UsherError) => void;
};

const suspectOf = (target: Target): { suspect?: string } =>
  target.suspect === undefined ? {} : { suspect: target.suspect };

/** A read has no outcome to be unknown. */
function errorFor(command: Command, error: unknown): UsherError {
  const known = toUsherError(error);
  const idle = command.kind === 'read-hold' && known.code === 'outcome-unknown';
  return idle ? new UsherError('unavailable') : known;
}

/**
 * Asks events' actors. The commands of one tick for one event travel in one message; `moved` is
 * followed and a silent owner reported as suspect, always under the same command ids, so that an
 * earlier send that arrives late has no second effect.
 *
 * Rejections besides the actor's own: `overloaded` (too many in flight here; at once), `moving`
 * (retries used up), `unavailable` (no inventory node), `deadline-exceeded` (nothing was done), and
 * `outcome-unknown` where an unanswered send may have reached the actor. Each comes at the latest
 * `limits.inventorySilenceMs` after the command's deadline.
 */
export class InventoryClient implements InventoryPort {
  readonly #sender: InventorySender;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #exchange: OwnerExchange;
  readonly #queued = new Map<string, Pending[]>();
  readonly #inFlight = new Map<string, number>();
  readonly #views = new Map<string, Promise<InventoryView>>();
  #total = 0;
  #flushing = false;

  constructor(sender: InventorySender, clock: Clock, ids: Ids, limits: Limits) {
    this.#sender = sender;
    this.#clock = clock;
    this.#limits = limits;
    this.#exchange = new OwnerExchange((id) => sender.nodesOf(id), clock, ids, limits);
  }

  /** Commands that wait for their answer, for metrics. */
  get inFlight(): number {
    return this.#total;
  }

  execute<K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(command);
      if (refusal !== undefined) return reject(refusal);
      const bytes = commandBytes(command);
      if (bytes > this.#limits.natsMessageBytesMax * 0.95) {
        return reject(new UsherError('body-too-large', 'The command exceeds one message'));
      }
      this.#enqueue({
        command,
        bytes,
        replyBytes: replyBytes(command),
        resolve: resolve as (value: never) => void,
        reject,
      });
    });
  }

  /**
   * The whole availability of an event. Readers that ask at the same time share one read, which
   * ends by the first one's deadline (epoch ms).
   */
  view(eventId: string, deadline: number): Promise<InventoryView> {
    const running = this.#views.get(eventId);
    if (running !== undefined) return running;
    const reading = this.#readView(eventId, deadline).finally(() => this.#views.delete(eventId));
    this.#views.set(eventId, reading);
    return reading;
  }

  #refusal(command: Command): UsherError | undefined {
    if (this.#clock.now() >= command.deadline) return new UsherError('deadline-exceeded');
    const ofEvent = this.#inFlight.get(command.eventId) ?? 0;
    if (
      ofEvent >= this.#limits.inventoryInFlightPerEventMax ||
      this.#total >= this.#limits.inventoryInFlightMax
    ) {
      return new UsherError('overloaded', 'Too many requests for this event are waiting');
    }
    return undefined;
  }

  #enqueue(pending: Pending): void {
    const { eventId } = pending.command;
    this.#total++;
    this.#inFlight.set(eventId, (this.#inFlight.get(eventId) ?? 0) + 1);
    const queue = this.#queued.get(eventId);
    if (queue === undefined) this.#queued.set(eventId, [pending]);
    else queue.push(pending);
    if (this.#flushing) return;
    this.#flushing = true;
    void this.#clock.tick().then(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const queued = [...this.#queued];
    this.#queued.clear();
    for (const [eventId, commands] of queued) {
      for (const message of this.#messages(commands)) void this.#deliver(eventId, message);
    }
  }

  #messages(commands: readonly Pending[]): Pending[][] {
    const { inventoryMessageCommandsMax, inventoryMessageBytesMax } = this.#limits;
    const messages: Pending[][] = [];
    let current: Pending[] = [];
    let bytes = 0;
    let replies = 0;
    for (const pending of commands) {
      const full =
        current.length >= inventoryMessageCommandsMax ||
        bytes + pending.bytes > inventoryMessageBytesMax ||
        replies + pending.replyBytes > inventoryMessageBytesMax;
      if (full && current.length > 0) {
        messages.push(current);
        [current, bytes, replies] = [[], 0, 0];
      }
      current.push(pending);
      bytes += pending.bytes;
      replies += pending.replyBytes;
    }
    messages.push(current);
    return messages;
  }

  async #deliver(eventId: string, message: readonly Pending[]): Promise<void> {
    let rest = message;
    try {
      await this.#exchange.run(eventId, {
        mutates: rest.some(({ command }) => command.kind !== 'read-hold'),
        deadline: () => rest.reduce((last, { command }) => Math.max(last, command.deadline), 0),
        attempt: async (target, timeoutMs, reached) => {
          rest = this.#dropLate(rest, reached);
          if (rest.length === 0) return undefined;
          const commands = rest.map(({ command }) => command);
          const params = { eventId, commands, ...suspectOf(target) };
          const answer = await this.#sender.send(target.nodeId, 'execute', params, timeoutMs);
          const { replies } = answer as { replies: readonly ExecuteReply[] };
          const [left, step] = this.#settle(rest, replies, reached);
          rest = left;
          return step;
        },
      });
    } catch (error) {
      for (const pending of rest) this.#end(pending, errorFor(pending.command, error));
    }
  }

  /** Gives every command its reply; answers those that must be sent again, and why. */
  #settle(
    sent: readonly Pending[],
    replies: readonly ExecuteReply[],
    reached: boolean,
  ): readonly [readonly Pending[], Step] {
    const left: Pending[] = [];
    let step: Step;
    for (const [i, pending] of sent.entries()) {
      const result = settleReply(replies[i], reached && pending.command.kind !== 'read-hold');
      if (result.kind === 'value') this.#end(pending, undefined, result.value);
      else if (result.kind === 'error') this.#end(pending, result.error);
      else {
        left.push(pending);
        if (result.kind === 'moved') step = { moved: result.owner };
        else step ??= { unavailable: true };
      }
    }
    return [left, step];
  }

  #dropLate(pendings: readonly Pending[], reached: boolean): readonly Pending[] {
    const now = this.#clock.now();
    if (pendings.every(({ command }) => command.deadline > now)) return pendings;
    return pendings.filter((pending) => {
      if (pending.command.deadline > now) return true;
      const unknown = reached && pending.command.kind !== 'read-hold';
      this.#end(pending, new UsherError(unknown ? 'outcome-unknown' : 'deadline-exceeded'));
      return false;
    });
  }

  #end(pending: Pending, error: UsherError | undefined, value?: unknown): void {
    const { eventId } = pending.command;
    this.#total--;
    const left = (this.#inFlight.get(eventId) ?? 1) - 1;
    if (left === 0) this.#inFlight.delete(eventId);
    else this.#inFlight.set(eventId, left);
    if (error !== undefined) pending.reject(error);
    else pending.resolve(value as never);
  }

  async #readView(eventId: string, deadline: number): Promise<InventoryView> {
    let view: InventoryView | undefined;
    await this.#exchange.run(eventId, {
      mutates: false,
      deadline: () => deadline,
      attempt: async (target, timeoutMs) => {
        const params = { eventId, ...suspectOf(target) };
        view = (await this.#sender.send(target.nodeId, 'view', params, timeoutMs)) as InventoryView;
        return undefined;
      },
    });
    if (view === undefined) throw new UsherError('unavailable');
    return view;
  }
}

import type { CommandReply } from '#actors/mailbox.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { rankNodes } from '#domain/placement.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { Cluster, SimNode } from '#test/simulation/cluster.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import { type Attempt, type History, isTransport } from '#test/simulation/history.ts';
import type { Scheduler } from '#test/simulation/scheduler.ts';

export type GatewayOptions = {
  readonly name: string;
  readonly eventId: string;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly cluster: Cluster;
  readonly history: History;
  readonly trouble: () => number;
  readonly fault: (kind: FaultKind, about: string) => void;
  readonly trace: (line: string) => void;
};

type Route = {
  readonly to: string;
  readonly suspect?: string | undefined;
  /** Reaches the node although gateways do not. */
  readonly anyway?: boolean;
};

const silenceMs = 500;
const waitMs = 2_500;

/**
 * Brings commands to the owner of the event as gateways do: follows `moved`, names the silent. Each
 * knows for itself where the owner is, so one may still ask an old owner when others ask the new.
 */
export class Gateway {
  readonly eventId: string;
  readonly #o: GatewayOptions;
  #owner: string;
  #suspect: string | undefined;
  #sent = 0;

  constructor(options: GatewayOptions) {
    this.#o = options;
    this.eventId = options.eventId;
    this.#owner = rankNodes(this.eventId, options.cluster.nodeIds)[0] ?? '';
  }

  /**
   * Sends a command until it has an answer about the event, at most `tries` times; undefined when
   * there was none.
   */
  async ask(command: Command, tries: number): Promise<CommandReply | undefined> {
    const { scheduler, chance } = this.#o;
    for (let i = 0; i < tries; i++) {
      if (i > 0) await scheduler.sleep(chance.ms(10, 150), undefined);
      const deadline = scheduler.serverNow() + waitMs;
      const reply = await this.#try(
        { ...command, deadline },
        { to: this.#owner, suspect: this.#suspect },
      );
      if (reply !== undefined && !isTransport(reply)) return reply;
      this.#learn(reply);
    }
    return undefined;
  }

  /** Sends a command once, to a node that may have nothing to do with the event. */
  async askAt(nodeId: string, command: Command): Promise<void> {
    const deadline = this.#o.scheduler.serverNow() + waitMs;
    await this.#try({ ...command, deadline }, { to: nodeId, anyway: true });
  }

  /** Where to go next, after an answer that says nothing about the event. */
  #learn(reply: CommandReply | undefined): void {
    const { cluster, chance } = this.#o;
    const owner = reply !== undefined && !reply.ok ? reply.data.owner : undefined;
    if (typeof owner === 'string') {
      this.#suspect = undefined;
      this.#owner = owner;
      return;
    }
    if (reply !== undefined && chance.hits(0.5)) return;
    const ranked = rankNodes(this.eventId, cluster.nodeIds);
    this.#suspect = this.#owner;
    this.#owner = ranked[(ranked.indexOf(this.#owner) + 1) % ranked.length] ?? '';
  }

  /** One try: undefined when no answer came in time. Whatever comes is checked, even when late. */
  #try(command: Command, route: Route): Promise<CommandReply | undefined> {
    const { scheduler, chance, history, trace } = this.#o;
    const attempt = history.begin(command);
    const number = `${this.#o.name}${++this.#sent}`;
    trace(`#${number} ${command.kind} ${command.id} → ${route.to}`);
    return new Promise((resolve) => {
      const arrived = (reply: CommandReply): void => {
        trace(`#${number} ← ${JSON.stringify(reply.ok ? reply.value : reply.code)}`);
        history.answered(attempt, reply);
        resolve(reply);
      };
      const copies = this.#lost('request sent twice', number) ? 2 : 1;
      let open = copies;
      const settled = (): void => {
        if (--open === 0) history.end(attempt);
      };
      for (let copy = 0; copy < copies; copy++) {
        if (this.#lost('request lost', number)) settled();
        else this.#deliver(route, number, attempt, settled, arrived);
      }
      scheduler.after(chance.ms(silenceMs, waitMs), undefined, () => resolve(undefined));
      // Long after the command's deadline nothing can answer it.
      scheduler.after(20_000, undefined, () => history.end(attempt));
    });
  }

  #deliver(
    { to, suspect, anyway }: Route,
    number: string,
    { command }: Attempt,
    settled: () => void,
    arrived: (reply: CommandReply) => void,
  ): void {
    const { scheduler, cluster } = this.#o;
    const answer = (reply: CommandReply): void => {
      if (this.#lost('reply lost', number)) {
        settled();
        return;
      }
      scheduler.after(this.#delay(number), undefined, () => {
        arrived(reply);
        settled();
      });
    };
    scheduler.after(this.#delay(number), undefined, () => {
      const node = cluster.node(to);
      const lost = anyway !== true && (node?.link.unreachableUntil ?? 0) > scheduler.now;
      if (node === undefined || lost) {
        settled();
        return;
      }
      scheduler.after(0, node.life, () => {
        void this.#execute(node, command, suspect).then(answer);
      });
    });
  }

  async #execute(
    { host }: SimNode,
    command: Command,
    suspect: string | undefined,
  ): Promise<CommandReply> {
    const [reply] = await host.execute(this.eventId, [command], suspect);
    if (reply === undefined) throw new Error('no reply');
    return JSON.parse(JSON.stringify(reply)) as CommandReply;
  }

  #lost(kind: FaultKind, number: string): boolean {
    const lost = this.#o.chance.hits(this.#o.trouble());
    if (lost) this.#o.fault(kind, `#${number}`);
    return lost;
  }

  #delay(number: string): number {
    const { chance, fault, trouble } = this.#o;
    if (!chance.hits(trouble())) return chance.ms(0.1, 4);
    fault('message late', `#${number}`);
    return chance.ms(50, 3_000);
  }
}

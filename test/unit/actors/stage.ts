import { setImmediate as immediate } from 'node:timers/promises';
import type { Delta } from '#actors/delta.ts';
import { factsOf } from '#actors/entries.ts';
import { createHost, type Host } from '#actors/host.ts';
import type { CommandReply } from '#actors/mailbox.ts';
import { createMemoryStore, type MemoryStore } from '#adapters/journal/memory.ts';
import type { Entry, Journal, Nodes } from '#adapters/journal/port.ts';
import type { Command, CommandKind } from '#domain/inventory/commands.ts';
import { type Limits, limits } from '#domain/limits.ts';
import { Chance } from '#test/simulation/chance.ts';
import { type Life, Scheduler } from '#test/simulation/scheduler.ts';
import { type Asked, eventId, layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

export { buyerId, eventId, holdId } from '#test/unit/domain/inventory/given.ts';

type Methods = 'append' | 'read' | 'exists' | 'head' | 'replay';

/** A call that replaces the next one of its method; `real` is the store's own. */
type Stunt = (entryOrEvent: never, real: () => Promise<unknown>) => Promise<unknown>;

/** A journal whose next calls can be told to go wrong, and which writes down what was asked. */
export class StuntJournal implements Journal {
  readonly calls: string[] = [];
  readonly #real: Journal;
  readonly #stunts = new Map<Methods, Stunt[]>();
  /** Entries of more characters cannot be stored. */
  charsMax = Number.POSITIVE_INFINITY;

  constructor(real: Journal) {
    this.#real = real;
  }

  /** The next call of `method` that has no stunt yet. */
  next(method: Methods, stunt: Stunt): void {
    this.#stunts.set(method, [...(this.#stunts.get(method) ?? []), stunt]);
  }

  #do<T>(method: Methods, first: unknown, seq: number | '', real: () => Promise<T>): Promise<T> {
    this.calls.push(`${method}${seq === '' ? '' : ` ${seq}`}`);
    const stunt = this.#stunts.get(method)?.shift();
    return stunt === undefined ? real() : (stunt(first as never, real) as Promise<T>);
  }

  append = (entry: Entry) => this.#do('append', entry, entry.seq, () => this.#real.append(entry));
  read = (id: string, seq: number) => this.#do('read', id, seq, () => this.#real.read(id, seq));
  exists = (id: string, seq: number) =>
    this.#do('exists', id, seq, () => this.#real.exists(id, seq));
  head = (id: string) => this.#do('head', id, '', () => this.#real.head(id));
  replay = (id: string, from: number, limit: number) =>
    this.#do('replay', id, from, () => this.#real.replay(id, from, limit));
  compact = (id: string, upTo: number, olderThan: number) =>
    this.#real.compact(id, upTo, olderThan);
  forget = (id: string, below: number, olderThan: number) =>
    this.#real.forget(id, below, olderThan);
  history = (id: string, from: number, limit: number) => this.#real.history(id, from, limit);
  assertStorable = (entry: Entry): void => {
    this.#real.assertStorable(entry);
    if (entry.facts.length > this.charsMax) throw new Error('too large');
  };
}

export type StageNode = {
  readonly nodeId: string;
  readonly host: Host;
  readonly journal: StuntJournal;
  readonly life: Life;
  readonly deltas: Delta[];
  readonly problems: string[];
  readonly invited: string[];
  /** While true, this node's database calls fail. */
  cut: boolean;
  /** While true, the message server does not answer this node. */
  deaf: boolean;
};

/** Hosts on one database, in virtual time. */
export class Stage {
  readonly scheduler = new Scheduler(new Chance(1));
  readonly store: MemoryStore = createMemoryStore(this.scheduler.serverNow);
  readonly limits: Limits;
  #commands = 0;

  constructor(change: Partial<Limits> = {}) {
    this.limits = { ...limits, ...change };
  }

  /** A node that has had its first heartbeat; `settled`: for long enough to judge and be judged. */
  async node(nodeId: string, settled = true): Promise<StageNode> {
    const life = this.scheduler.born(nodeId);
    const journal = new StuntJournal(this.store.journal);
    const node = { nodeId, journal, life, deltas: [], problems: [], invited: [] };
    const whole = Object.assign(node, { cut: false, deaf: false }) as unknown as StageNode;
    const cutOff = <T>(call: () => Promise<T>): Promise<T> =>
      whole.cut ? Promise.reject(new Error('cut off')) : call();
    const nodes: Nodes = {
      beat: (id, incarnation, offering) =>
        cutOff(() => this.store.nodes.beat(id, incarnation, offering)),
      all: () => cutOff(() => this.store.nodes.all()),
      remove: (id, incarnation) => cutOff(() => this.store.nodes.remove(id, incarnation)),
    };
    const host = createHost({
      nodeId,
      clock: this.scheduler.clockOf(life),
      ids: new Chance(nodeId.length + nodeId.charCodeAt(nodeId.length - 1)).ids(),
      journal,
      snapshots: this.store.snapshots,
      directory: this.store.directory,
      nodes,
      limits: this.limits,
      publish: (delta) => whole.deltas.push(delta),
      invite: (to, id) => whole.invited.push(`${to} ${id}`),
      askMessages: async () => {
        if (whole.deaf) throw new Error('no answer');
      },
      report: (problem) => whole.problems.push(problem),
    });
    Object.assign(node, { host });
    void host.start();
    await this.pass(settled ? 3_000 : 10);
    return whole;
  }

  /** Lets virtual time go by. */
  async pass(ms: number): Promise<void> {
    // What has just been begun must schedule its first task before time goes on.
    await immediate();
    await this.scheduler.runUntil(this.scheduler.now + ms);
  }

  /** What `promise` resolves with; fails when that takes more than `ms` of virtual time. */
  async until<T>(promise: Promise<T>, ms = 5_000): Promise<T> {
    let done = false;
    const watched = promise.finally(() => {
      done = true;
    });
    watched.catch(() => {});
    for (const end = this.scheduler.now + ms; !done && this.scheduler.now < end; ) {
      await immediate();
      await this.scheduler.runUntil(this.scheduler.now + 1, () => done);
    }
    if (!done) throw new Error(`no answer within ${ms} ms of virtual time`);
    return watched;
  }

  /** A command for the stage's event; its deadline is far unless stated. */
  command<K extends CommandKind>(asked: Asked<K>, deadlineMs = 60_000): Command {
    const id = `cmd-${++this.#commands}`;
    const deadline = this.scheduler.serverNow() + deadlineMs;
    return { id, eventId, deadline, ...asked } as unknown as Command;
  }

  openCommand(seats = 10): Command {
    const layout = layoutOf([{ row: 'A', seats }]);
    const terms = termsOf(layout, { endsAt: 4_000_000_000_000 });
    return this.command<'open'>({ kind: 'open', version: 1, terms });
  }

  async ask(node: StageNode, ...commands: Command[]): Promise<readonly CommandReply[]> {
    return this.until(node.host.execute(eventId, commands));
  }

  /** Types of all facts in the journal, an array per entry. */
  async written(): Promise<string[][]> {
    const entries = await this.store.journal.history(eventId, 1, 10_000);
    return entries.map((entry) => factsOf(entry).map((fact) => fact.type));
  }

  /** Ends a node as `kill -9` does: nothing it has begun goes on. */
  kill(node: StageNode): void {
    node.life.dead = true;
    node.cut = true;
  }
}

export const codes = (replies: readonly CommandReply[]): string[] =>
  replies.map((reply) => (reply.ok ? 'ok' : reply.code));

import type { Delta } from '#actors/delta.ts';
import { createHost, type Host } from '#actors/host.ts';
import { createMemoryStore, type MemoryStore } from '#adapters/journal/memory.ts';
import type { Entry } from '#adapters/journal/port.ts';
import { type Limits, limits } from '#domain/limits.ts';
import type { Chance } from '#test/simulation/chance.ts';
import { eventId } from '#test/simulation/event.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import { FaultyStore, goodLink, type Link } from '#test/simulation/faulty-store.ts';
import type { Life, Scheduler } from '#test/simulation/scheduler.ts';

export type SimNode = {
  readonly nodeId: string;
  readonly life: Life;
  readonly host: Host;
  readonly link: Link;
};

export type ClusterOptions = {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly size: number;
  readonly trouble: () => number;
  readonly entryCharsMax: number;
  readonly fault: (kind: FaultKind, about: string) => void;
  readonly applied: (entry: Entry) => void;
  readonly published: (delta: Delta) => void;
  readonly trace: (line: string) => void;
};

/** Small numbers where production has large ones, so that a short run meets every rule. */
const simulatedLimits: Limits = {
  ...limits,
  snapshotEveryEntries: 12,
  compactionSparesMs: 1_000,
  compactEveryMs: 1_500,
  passivateAfterIdleMs: 3_000,
  ownerTenureMs: 3_000,
};

/** Inventory nodes that run the production host over one database, and what befalls them. */
export class Cluster {
  readonly store: MemoryStore;
  readonly nodeIds: readonly string[];
  readonly #o: ClusterOptions;
  readonly #nodes = new Map<string, SimNode>();
  readonly #snapshots: { seq: number; bytes: Uint8Array }[] = [];

  constructor(options: ClusterOptions) {
    this.#o = options;
    this.store = createMemoryStore(options.scheduler.serverNow);
    this.nodeIds = Array.from({ length: options.size }, (_, i) => `inv-${i + 1}`);
    for (const nodeId of this.nodeIds) this.boot(nodeId);
  }

  node(nodeId: string): SimNode | undefined {
    return this.#nodes.get(nodeId);
  }

  get nodes(): readonly SimNode[] {
    return [...this.#nodes.values()];
  }

  /** Starts a new life of a node that is down. */
  boot(nodeId: string): void {
    const { scheduler, chance, trace } = this.#o;
    const life = scheduler.born(nodeId);
    const link = goodLink();
    const faulty = new FaultyStore({
      ...this.#o,
      store: this.store,
      life,
      link,
      older: this.#snapshots,
    });
    const host = createHost({
      nodeId,
      clock: scheduler.clockOf(life),
      ids: chance.ids(),
      journal: faulty.journal,
      snapshots: faulty.snapshots,
      directory: faulty.directory,
      nodes: faulty.nodes,
      limits: simulatedLimits,
      publish: this.#o.published,
      invite: (to) => scheduler.after(chance.ms(1, 5), undefined, () => this.wake(to)),
      report: (problem, { error }) => {
        trace(`${nodeId} reports: ${problem}${error instanceof Error ? `: ${error.message}` : ''}`);
      },
    });
    this.#nodes.set(nodeId, { nodeId, life, host, link });
    trace(`${nodeId} starts`);
    scheduler.after(0, life, () => void host.start());
  }

  /** Has a node claim the event if nobody has it. */
  wake(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    this.#o.scheduler.after(0, node.life, () => void node.host.wake(eventId).catch(() => {}));
  }

  /** What the job for events without a living owner does, on one node. */
  wakeOrphans(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    const { life, host } = node;
    const look = async (): Promise<void> => {
      for (const orphan of await host.orphans(10)) await host.wake(orphan);
    };
    this.#o.scheduler.after(0, life, () => void look().catch(() => {}));
  }

  crash(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    node.life.dead = true;
    this.#nodes.delete(nodeId);
  }

  /** Stops a node as an operator does, then starts it again. */
  restart(nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return;
    const again = (): void => {
      if (node.life.dead) return;
      this.crash(nodeId);
      this.boot(nodeId);
    };
    this.#o.scheduler.after(0, node.life, () => void node.host.stop().then(again, again));
  }
}

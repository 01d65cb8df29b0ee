import type { Delta } from '#actors/delta.ts';
import { createHost, type Host } from '#actors/host.ts';
import { createMemoryStore, type MemoryStore } from '#adapters/journal/memory.ts';
import type { Entry } from '#adapters/journal/port.ts';
import { type Limits, limits } from '#domain/limits.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import {
  FaultyStore,
  goodLink,
  type Link,
  type OldSnapshot,
} from '#test/simulation/faulty-store.ts';
import { Primary } from '#test/simulation/primary.ts';
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
  /** Asked whenever a node looks for events that nobody uses. */
  readonly passivateAfterIdleMs: () => number;
  readonly fault: (kind: FaultKind, about: string) => void;
  readonly applied: (entry: Entry) => void;
  readonly published: (delta: Delta) => void;
  readonly trace: (line: string) => void;
  /** Counts what nodes report. */
  readonly reached: (branch: string) => void;
};

/** Small numbers where production has large ones, so that a short run meets every rule. */
const simulatedLimits: Limits = {
  ...limits,
  snapshotEveryEntries: 12,
  compactionSparesMs: 1_000,
  compactEveryMs: 1_500,
  ownerTenureMs: 3_000,
};

/** Inventory nodes that run the production host over one database, and what befalls them. */
export class Cluster {
  readonly store: MemoryStore;
  readonly nodeIds: readonly string[];
  readonly #o: ClusterOptions;
  readonly #limits: Limits;
  readonly #nodes = new Map<string, SimNode>();
  readonly #primary: Primary;
  readonly #snapshots: OldSnapshot[] = [];

  constructor(options: ClusterOptions) {
    this.#o = options;
    this.#limits = {
      ...simulatedLimits,
      get passivateAfterIdleMs() {
        return options.passivateAfterIdleMs();
      },
    };
    this.store = createMemoryStore(options.scheduler.serverNow);
    this.#primary = new Primary({ ...options, store: this.store });
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
      primary: this.#primary,
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
      limits: this.#limits,
      publish: this.#o.published,
      invite: (to, id) => scheduler.after(chance.ms(1, 5), undefined, () => this.wake(to, id)),
      report: (problem, { error }) => {
        this.#o.reached(`node: ${problem}`);
        trace(`${nodeId} reports: ${problem}${error instanceof Error ? `: ${error.message}` : ''}`);
      },
    });
    this.#nodes.set(nodeId, { nodeId, life, host, link });
    trace(`${nodeId} starts`);
    scheduler.after(0, life, () => void host.start());
  }

  /** Has a node claim an event if nobody has it. */
  wake(nodeId: string, eventId: string): void {
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

import type { EventState } from '#domain/inventory/state.ts';
import type { Chance } from '#test/simulation/chance.ts';
import type { Cluster } from '#test/simulation/cluster.ts';
import type { FaultKind } from '#test/simulation/faults.ts';
import type { Scheduler } from '#test/simulation/scheduler.ts';

type Options = {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly cluster: Cluster;
  /** What is committed, of each event. */
  readonly states: readonly EventState[];
  readonly calm: () => boolean;
  readonly fault: (kind: FaultKind, about: string) => void;
};

/** Brings something upon a random node from time to time, until it is calm. */
export function disturb(options: Options, everyMs: number): void {
  const { scheduler, chance, calm } = options;
  const next = (): void => {
    scheduler.after(chance.ms(everyMs / 4, everyMs * 2), undefined, () => {
      if (calm()) return;
      strike(options);
      next();
    });
  };
  next();
}

function strike({ scheduler, chance, cluster, states, calm, fault }: Options): void {
  const owner = cluster.node(chance.pick(states).owner?.node ?? '');
  const node = owner !== undefined && chance.hits(0.4) ? owner : chance.pick(cluster.nodes);
  if (node === undefined) return;
  const { nodeId, life, link } = node;
  const { now } = scheduler;
  // Often just longer than it takes to be called dead: then two nodes serve at a time.
  const long = chance.hits(0.5) ? chance.ms(1_600, 2_600) : chance.ms(1_000, 6_000);
  switch (chance.int(1, 10)) {
    case 1:
      fault('pause', nodeId);
      life.pausedUntil = now + chance.ms(20, 900);
      return;
    case 2:
      fault('pause longer than a take-over', nodeId);
      life.pausedUntil =
        now + (chance.hits(0.5) ? chance.ms(1_600, 2_200) : chance.ms(2_000, 7_000));
      return;
    case 3:
      if (cluster.nodes.length < 2) return;
      fault('crash', nodeId);
      cluster.crash(nodeId);
      scheduler.after(chance.ms(50, 5_000), undefined, () => cluster.boot(nodeId));
      return;
    case 4:
      fault('planned restart', nodeId);
      cluster.restart(nodeId);
      return;
    case 5:
      fault('clock jump', nodeId);
      life.skew = chance.ms(-5_000, 5_000);
      scheduler.after(long, undefined, () => {
        life.skew = 0;
      });
      return;
    case 6:
      fault('database cut off', nodeId);
      link.cutUntil = now + long;
      return;
    case 7:
      fault('heartbeats lost', nodeId);
      link.beatsLostUntil = now + long;
      return;
    case 8:
      // Its gateways go elsewhere, and it does not know that it is called dead.
      fault('gateways lose a node', nodeId);
      link.unreachableUntil = now + long;
      link.beatsLostUntil = now + long;
      return;
    case 9:
      fault('clock jump of the database server', nodeId);
      // Sometimes by more than a node may be off: then nobody may own until it is over.
      scheduler.jumpServer(chance.ms(-900, 900) * (chance.hits(0.3) ? 2 : 1));
      if (chance.hits(0.5)) scheduler.after(long, undefined, () => scheduler.jumpServer(0));
      return;
    default:
      if (calm()) return;
      fault('stale primary', nodeId);
      link.staleSeqs = new Map(states.map(({ eventId, seq }) => [eventId, seq]));
      link.staleUntil = now + chance.ms(200, 4_000);
  }
}

/** Ends whatever still lasts. */
export function settle(cluster: Cluster, scheduler: Scheduler): void {
  const { now } = scheduler;
  scheduler.jumpServer(0);
  for (const { life, link } of cluster.nodes) {
    life.skew = 0;
    life.pausedUntil = Math.min(life.pausedUntil, now);
    link.cutUntil = link.beatsLostUntil = link.staleUntil = link.unreachableUntil = 0;
  }
}

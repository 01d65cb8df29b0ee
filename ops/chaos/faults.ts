import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosCluster, Node, Role } from '#ops/chaos/cluster.ts';
import type { Cut, Direction } from '#ops/chaos/network.ts';
import { providerFaults } from '#ops/chaos/provider-faults.ts';
import type { Round } from '#ops/chaos/schedule.ts';

/** What a fault may touch. */
export type Scene = {
  readonly cluster: ChaosCluster;
  /** Nodes that a fault works on; no other takes them. */
  readonly busy: Set<string>;
  /** The name of the node that owns an event; undefined when that cannot be learnt now. */
  owner(eventId: string): Promise<string | undefined>;
  /** An event that `pick` (0 to 1) names. */
  eventOf(pick: number): string;
  /** An owner is lost or gives up its events from this moment on. */
  ownerGoes(node: Node): void;
  say(line: string): void;
};

export type Needs = 'cuts' | 'clock';

export type Fault = {
  readonly name: string;
  readonly what: string;
  readonly needs?: Needs;
  /** Does it and undoes it; resolves when the cluster is whole again. False: no free target. */
  run(scene: Scene, round: Round): Promise<boolean>;
};

const span = (force: number, leastMs: number, mostMs: number): number =>
  Math.round(leastMs + force * (mostMs - leastMs));

/** Takes the node that owns an event, else another inventory node, while `work` runs. */
async function withOwner(
  scene: Scene,
  { pick }: Round,
  work: (node: Node) => Promise<void>,
): Promise<boolean> {
  const name = await scene.owner(scene.eventOf(pick));
  const inventory = scene.cluster.nodes.filter(({ role }) => role === 'inventory');
  const wanted = inventory.find((node) => node.name === name);
  return withOneOf(scene, wanted === undefined ? inventory : [wanted, ...inventory], work);
}

async function withOneOf(
  scene: Scene,
  nodes: readonly Node[],
  work: (node: Node) => Promise<void>,
): Promise<boolean> {
  const node = nodes.find(({ name }) => !scene.busy.has(name));
  if (node === undefined) return false;
  scene.busy.add(node.name);
  try {
    await work(node);
    return true;
  } finally {
    scene.busy.delete(node.name);
  }
}

async function killAndStart(scene: Scene, node: Node, downMs: number): Promise<void> {
  scene.say(`kill -9 ${node.name}, started again after ${downMs} ms`);
  node.process.signal('SIGKILL');
  await node.process.gone();
  await sleep(downMs);
  node.process.start();
  await node.process.ready();
}

const killOwner: Fault = {
  name: 'kill-owner',
  what: 'kill -9 of the inventory node that owns an event',
  run: (scene, round) =>
    withOwner(scene, round, async (node) => {
      scene.ownerGoes(node);
      await killAndStart(scene, node, span(round.force, 200, 6_000));
    }),
};

const pauseOwner: Fault = {
  name: 'pause-owner',
  what: 'SIGSTOP of an owner until others have taken its events, then SIGCONT',
  run: (scene, round) =>
    withOwner(scene, round, async (node) => {
      const ms = span(round.force, 2_500, 6_500);
      scene.say(`SIGSTOP ${node.name} for ${ms} ms`);
      scene.ownerGoes(node);
      node.process.signal('SIGSTOP');
      await sleep(ms);
      node.process.signal('SIGCONT');
      await node.process.ready();
    }),
};

const drainOwner: Fault = {
  name: 'drain-owner',
  what: 'SIGTERM of an owner, which hands its events over, and a new start',
  run: (scene, round) =>
    withOwner(scene, round, async (node) => {
      scene.say(`SIGTERM ${node.name}`);
      scene.ownerGoes(node);
      node.process.signal('SIGTERM');
      await node.process.gone();
      node.process.start();
      await node.process.ready();
    }),
};

const killOne = (role: Exclude<Role, 'inventory'>): Fault => ({
  name: `kill-${role}`,
  what: `kill -9 of a ${role} node`,
  run: (scene, round) => {
    const nodes = scene.cluster.nodes.filter((node) => node.role === role);
    const turn = Math.floor(round.pick * nodes.length);
    const turned = [...nodes.slice(turn), ...nodes.slice(0, turn)];
    return withOneOf(scene, turned, (node) =>
      killAndStart(scene, node, span(round.force, 200, 4_000)),
    );
  },
});

type Server = 'database' | 'nats';

const ways = { both: 'both ways', out: 'what it sends', in: 'what it is sent' } as const;

async function cutFor(
  scene: Scene,
  node: Node,
  servers: readonly Server[],
  direction: Direction,
  ms: number,
): Promise<void> {
  const { mongod, nats } = scene.cluster;
  const cuts: Cut[] = servers.map((server) => ({
    port: server === 'database' ? mongod.port : nats.port,
    direction,
  }));
  scene.say(`cut ${node.name} from ${servers.join(' and ')} (${ways[direction]}) for ${ms} ms`);
  await node.place.cut(cuts);
  try {
    await sleep(ms);
  } finally {
    await node.place.heal();
  }
  await node.process.ready();
}

function cutOwner(name: string, servers: readonly Server[], direction: Direction): Fault {
  return {
    name,
    what: `an owner cut off from ${servers.join(' and ')}: ${ways[direction]}`,
    needs: 'cuts',
    run: (scene, round) =>
      withOwner(scene, round, async (node) => {
        scene.ownerGoes(node);
        await cutFor(scene, node, servers, direction, span(round.force, 1_500, 7_000));
      }),
  };
}

const cutCore: Fault = {
  name: 'cut-core',
  what: 'a core node cut off from database and NATS',
  needs: 'cuts',
  run: (scene, round) =>
    withOneOf(
      scene,
      scene.cluster.nodes.filter(({ role }) => role === 'core'),
      (node) => cutFor(scene, node, ['database', 'nats'], 'both', span(round.force, 1_500, 7_000)),
    ),
};

const cutGateway: Fault = {
  name: 'cut-gateway',
  what: 'a gateway cut off from NATS',
  needs: 'cuts',
  run: (scene, round) =>
    withOneOf(
      scene,
      scene.cluster.nodes.filter(({ role }) => role === 'gateway').toReversed(),
      (node) => cutFor(scene, node, ['nats'], 'both', span(round.force, 1_500, 6_000)),
    ),
};

function restart(name: string, server: Server): Fault {
  return {
    name,
    what: `kill -9 of ${server === 'nats' ? 'NATS' : 'mongod'} and a start on the same data`,
    run: async (scene, round) => {
      if (scene.busy.has(server)) return false;
      scene.busy.add(server);
      const ms = span(round.force, 100, 3_500);
      scene.say(`kill -9 ${server}, started again after ${ms} ms`);
      try {
        const process = server === 'nats' ? scene.cluster.nats : scene.cluster.mongod;
        await process.kill();
        await sleep(ms);
        await process.start();
      } finally {
        scene.busy.delete(server);
      }
      return true;
    },
  };
}

const clockJump: Fault = {
  name: 'clock-jump',
  what: 'the wall clock of one inventory node jumps by up to 20 s and back',
  needs: 'clock',
  run: (scene, round) =>
    withOneOf(
      scene,
      scene.cluster.nodes.filter(({ shiftClock }) => shiftClock !== undefined),
      async (node) => {
        const seconds = Math.round(span(round.force, 2, 20) * (round.pick < 0.5 ? -1 : 1));
        const ms = 3_000 + span(round.force, 0, 5_000);
        scene.say(`the clock of ${node.name} jumps by ${seconds} s for ${ms} ms`);
        node.shiftClock?.(seconds);
        await sleep(ms);
        node.shiftClock?.(0);
        // The new time is read once a second.
        await sleep(1_500);
        await node.process.ready();
      },
    ),
};

/** Everything that can be done to a cluster. */
export const allFaults: readonly Fault[] = [
  killOwner,
  killOne('gateway'),
  killOne('core'),
  killOne('worker'),
  pauseOwner,
  drainOwner,
  cutOwner('cut-database', ['database'], 'both'),
  cutOwner('cut-to-database', ['database'], 'out'),
  cutOwner('cut-from-database', ['database'], 'in'),
  cutOwner('cut-nats', ['nats'], 'both'),
  cutOwner('cut-to-nats', ['nats'], 'out'),
  cutOwner('cut-from-nats', ['nats'], 'in'),
  cutOwner('cut-off', ['database', 'nats'], 'both'),
  cutCore,
  cutGateway,
  restart('restart-database', 'database'),
  restart('restart-nats', 'nats'),
  clockJump,
  ...providerFaults,
];

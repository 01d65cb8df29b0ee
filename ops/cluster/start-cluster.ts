import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '#adapters/machine/ports.ts';
import { type NodePlan, NodeProcess } from './node-process.ts';
import { rollingRestart } from './rolling-restart.ts';
import { type ClusterServer, openMongodb, openNats, openStripe } from './servers.ts';

export type ClusterOptions = {
  /** How many processes of each role; default 2 gateways, 3 inventory, 2 core, 1 worker. */
  readonly counts?: Partial<Record<ClusterRole, number>>;
  /** The first gateway's port, the others follow in steps of ten; undefined takes free ones. */
  readonly firstPort?: number;
  /** Default: servers of our own, MongoDB with its data in `dataDir`. */
  readonly mongodbUri?: string;
  readonly natsUrl?: string;
  readonly dataDir?: string;
  readonly namespace?: string;
  /** Further settings of every node, such as `LIMITS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Start a node again that died by itself, 20 times at most. */
  readonly restart?: boolean;
  /** Takes what the nodes write and what happens to them. */
  readonly onLine?: (name: string, line: string) => void;
};

const roles = ['gateway', 'inventory', 'core', 'worker'] as const;
export type ClusterRole = (typeof roles)[number];

/** Who calls stops before whom it calls. */
const stopOrder: readonly ClusterRole[] = ['gateway', 'worker', 'core', 'inventory'];

const defaultCounts: Readonly<Record<ClusterRole, number>> = {
  gateway: 2,
  inventory: 3,
  core: 2,
  worker: 1,
};

export type Cluster = {
  readonly nodes: readonly NodeProcess[];
  /** Addresses of the API, one a gateway. */
  readonly urls: readonly string[];
  readonly servers: readonly ClusterServer[];
  readonly mongodbUri: string;
  readonly natsUrl: string;
  /** Sends a signal and, when that ends the process, waits until it is gone. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a node that is gone again, with its ports; resolves when it is ready. */
  restart(name: string): Promise<void>;
  /** Starts one more node of a role but gateway; resolves with its name when it is ready. */
  add(role: Exclude<ClusterRole, 'gateway'>): Promise<string>;
  /** Lets a node drain and waits until it is gone; `restart` brings it back. */
  drain(name: string): Promise<void>;
  /** Drains every node and starts it again, one after the other, whom others call first. */
  rollingRestart(): Promise<void>;
  /** Drains the nodes, callers first, then stops the servers of our own. */
  stop(): Promise<void>;
};

const restartPauseMs = 1_000;
/** A node that keeps dying is left alone at last. */
const restartsMax = 20;

/** Starts servers and nodes; resolves when every node is ready. Rejects with nothing left over. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const servers: ClusterServer[] = [];
  const nodes: NodeProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const role of stopOrder) {
      await Promise.all(nodes.filter(({ plan }) => plan.role === role).map((n) => n.stop()));
    }
    for (const server of servers.toReversed()) await server.stop();
  };
  try {
    const ports = await portsOf(options);
    const gatewayUrls = ports.gateway.map(({ port }) => `http://127.0.0.1:${port}`);
    const nats = await openNats(options.natsUrl);
    servers.push(nats);
    const mongodb = await openMongodb(options.mongodbUri, resolve(options.dataDir ?? './data'));
    servers.push(mongodb);
    // Without a gateway nobody takes webhooks.
    const stripe = await openStripe(mongodb.url, gatewayUrls[0] ?? 'http://localhost');
    servers.push(stripe);
    const env = {
      MONGODB_URI: mongodb.url,
      NATS_URL: nats.url,
      PUBLIC_URL: gatewayUrls[0] ?? '',
      ...(options.namespace === undefined ? {} : { NAMESPACE: options.namespace }),
      DEMO: process.env.DEMO || 'true',
      ...stripe.env,
      ...options.env,
    };
    for (const role of roles) {
      for (const port of ports[role]) nodes.push(startOne(nodes, role, port, env, options));
    }
    await Promise.all(nodes.map((node) => node.ready()));
    const byName = finder(nodes);
    return {
      nodes,
      servers,
      stop,
      urls: gatewayUrls,
      mongodbUri: mongodb.url,
      natsUrl: nats.url,
      kill: (name, signal = 'SIGKILL') => kill(byName(name), signal),
      add: async (role) => {
        const [port] = (await portsOf({ counts: { ...none, [role]: 1 } }))[role];
        const node = startOne(nodes, role, port ?? { port: 0, opsPort: 0 }, env, options);
        nodes.push(node);
        await node.ready();
        return node.plan.name;
      },
      drain: (name) => byName(name).drain(),
      rollingRestart: () => rollingRestart(nodes),
      restart: async (name) => {
        byName(name).start();
        await byName(name).ready();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Port = { readonly port: number; readonly opsPort: number };
type Ports = Record<ClusterRole, Port[]>;
const none = { gateway: 0, inventory: 0, core: 0, worker: 0 } as const;

async function portsOf({ counts, firstPort }: ClusterOptions): Promise<Ports> {
  const ports: Ports = { gateway: [], inventory: [], core: [], worker: [] };
  let next = firstPort;
  for (const role of roles) {
    for (let i = 0; i < (counts?.[role] ?? defaultCounts[role]); i++) {
      if (next === undefined) {
        ports[role].push({ port: await freePort(), opsPort: await freePort() });
      } else {
        ports[role].push({ port: next, opsPort: next + 1 });
        next += 10;
      }
    }
  }
  return ports;
}

/** Starts the next node of the role beside those there are. */
function startOne(
  nodes: readonly NodeProcess[],
  role: ClusterRole,
  { port, opsPort }: Port,
  env: Readonly<Record<string, string>>,
  { onLine, restart }: ClusterOptions,
): NodeProcess {
  const say = onLine ?? (() => undefined);
  const name = `${role}-${nodes.filter(({ plan }) => plan.role === role).length + 1}`;
  let restartsLeft = restart === true ? restartsMax : 0;
  const plan: NodePlan = { name, role, port, opsPort, env: { ...env, ...demoOf(name) } };
  const node = new NodeProcess(plan, {
    line: say,
    died: (_, how) => {
      const again = restartsLeft-- > 0;
      say(name, `*** ended ${how}${again ? '; starting it again' : ''}`);
      if (again) void sleep(restartPauseMs).then(() => node.start());
    },
  });
  node.start();
  return node;
}

/** One node makes the demo, unless the environment says that none is wanted. */
const demoOf = (name: string): Readonly<Record<string, string>> =>
  name === 'core-1' ? {} : { DEMO: 'false' };

function finder(nodes: readonly NodeProcess[]): (name: string) => NodeProcess {
  return (name) => {
    const node = nodes.find(({ plan }) => plan.name === name);
    if (node === undefined) throw new Error(`There is no node ${name}`);
    return node;
  };
}

async function kill(node: NodeProcess, signal: NodeJS.Signals): Promise<void> {
  node.signal(signal);
  if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await node.gone();
}

import { randomUUID } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  type WriteStream,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#adapters/machine/ports.ts';
import { startSimulator } from '#adapters/payments/simulator/index.ts';
import type { Network, Place } from '#ops/chaos/network.ts';
import { mongodServer, natsServer, type Server } from '#ops/chaos/servers.ts';
import { NodeProcess } from '#ops/cluster/node-process.ts';

export const roles = ['gateway', 'inventory', 'core', 'worker'] as const;
export type Role = (typeof roles)[number];
export type Counts = Readonly<Record<Role, number>>;

/** One node of the cluster and the place that it runs in. */
export type Node = {
  readonly name: string;
  readonly role: Role;
  readonly process: NodeProcess;
  readonly place: Place;
  /** Sets its wall clock off by so many seconds, where that is possible. */
  readonly shiftClock: ((seconds: number) => void) | undefined;
};

export type ChaosCluster = {
  readonly nodes: readonly Node[];
  readonly gatewayUrls: readonly string[];
  readonly mongod: Server;
  readonly mongodbUri: string;
  readonly nats: Server;
  /** The payment provider: a simulator, which keeps what it knows in a database of its own. */
  readonly provider: { readonly url: string; readonly mongodbUri: string };
  /** Nodes that ended although nobody asked them to, in words. */
  readonly diedByThemselves: string[];
};

export type ClusterPlan = {
  readonly counts: Counts;
  readonly network: Network;
  /** Holds data and logs. */
  readonly folder: string;
  /** Gets what must be undone, each before it is done. */
  readonly cleanUp: AsyncDisposableStack;
};

/** Payments of this age are reconciled, ms: a run is too short for ten minutes. */
export const reconcileAgeMs = 15_000;

/** Short holds, so that many expire in a run; frequent snapshots, so that restarts use them. */
const limits = [
  'failoverMs=8000',
  'holdTtlMs=12000',
  'snapshotEveryEntries=200',
  'drainMs=10000',
  `reconcileSafeAgeMs=${reconcileAgeMs}`,
].join();

/** How long a hold of this cluster lives, epoch ms. */
export const holdTtlMs = 12_000;

/** Starts servers and nodes, each in a place of its own; resolves when all are ready. */
export async function startChaosCluster(plan: ClusterPlan): Promise<ChaosCluster> {
  const { network, folder, cleanUp, counts } = plan;
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const { server: mongod, uri: mongodbUri } = await mongodServer(network.serverHost, folder);
  const nats = await natsServer(network.serverHost, folder);
  // What the provider knows is its own: no fault of ours takes it away.
  const providers = await mongodServer(network.serverHost, join(folder, 'provider'));
  const servers = [mongod, nats, providers.server];
  cleanUp.defer(async () => void (await Promise.all(servers.map((server) => server.kill()))));
  await Promise.all(servers.map((server) => server.start()));

  const seats = await seatsFor(counts, network);
  const gateways = seats.filter(({ role }) => role === 'gateway');
  const gatewayUrls = gateways.map(({ place, port }) => `http://${place.host}:${port}`);
  const webhookSecret = `whsec_${randomUUID()}`;
  const simulator = await startSimulator({
    port: 0,
    host: network.serverHost,
    mongodbUri: providers.uri,
    webhookUrl: `${gatewayUrls[0]}/v1/payments/stripe/webhook`,
    webhookSecret,
  });
  cleanUp.defer(() => simulator.stop());
  const env = {
    MONGODB_URI: mongodbUri,
    NATS_URL: `nats://${network.serverHost}:${nats.port}`,
    PUBLIC_URL: gatewayUrls[0] ?? '',
    NAMESPACE: `chaos-${process.pid}`,
    STRIPE_SECRET_KEY: 'sk_test_simulator',
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: simulator.url,
    DEMO: 'false',
    LOG_LEVEL: 'warn',
    LIMITS: limits,
    DATA_DIR: join(folder, 'data'),
  };
  const diedByThemselves: string[] = [];
  const nodes = seats.map((seat) => makeNode(seat, env, folder, diedByThemselves));
  cleanUp.defer(() => killAll(nodes));
  for (const node of nodes) node.process.start();
  await Promise.all(nodes.map((node) => firstReady(node, folder)));
  const provider = { url: simulator.url, mongodbUri: providers.uri };
  return { nodes, gatewayUrls, mongod, mongodbUri, nats, provider, diedByThemselves };
}

/** What a node that does not even start has said belongs to the reason. */
async function firstReady({ name, process: node }: Node, folder: string): Promise<void> {
  await node.ready().catch((error: Error) => {
    const said = readFileSync(logOf(folder, name), 'utf8').trim().split('\n').slice(-8);
    throw new Error([error.message, ...said].join('\n  '));
  });
}

const logOf = (folder: string, name: string): string => join(folder, 'logs', `${name}.log`);

type Seat = {
  readonly name: string;
  readonly role: Role;
  readonly place: Place;
  readonly port: number;
  readonly opsPort: number;
};

async function seatsFor(counts: Counts, network: Network): Promise<Seat[]> {
  const seats: Seat[] = [];
  for (const role of roles) {
    for (let i = 1; i <= counts[role]; i++) {
      const place = await network.place();
      const [port, opsPort] = [await freePort(), await freePort()];
      seats.push({ name: `${role}-${i}`, role, place, port, opsPort });
    }
  }
  return seats;
}

function makeNode(
  { name, role, place, port, opsPort }: Seat,
  env: Readonly<Record<string, string>>,
  folder: string,
  died: string[],
): Node {
  const log: WriteStream = createWriteStream(logOf(folder, name));
  const clock = name === 'inventory-1' ? clockOf(folder) : undefined;
  const launcher = [...place.launcher, ...(clock?.launcher ?? [])];
  const process = new NodeProcess(
    { name, role, port, opsPort, host: place.host, launcher, env },
    {
      line: (_, line) => log.write(`${new Date().toISOString()} ${line}\n`),
      died: (_, how) => {
        log.write(`${new Date().toISOString()} *** ended ${how}\n`);
        died.push(`${name} ended ${how}`);
      },
    },
  );
  return { name, role, process, place, shiftClock: clock?.shift };
}

/** Debian's libfaketime, which gives a process another wall clock. */
const fakeTimeLibraries = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
];

/** A wall clock that can be set while the process runs; its monotonic clock stays as it is. */
function clockOf(folder: string) {
  const library = fakeTimeLibraries.find((file) => existsSync(file));
  if (library === undefined) return undefined;
  const file = join(folder, 'clock');
  const shift = (seconds: number): void =>
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  shift(0);
  const settings = [
    `LD_PRELOAD=${library}`,
    `FAKETIME_TIMESTAMP_FILE=${file}`,
    'FAKETIME_CACHE_DURATION=1',
    'FAKETIME_DONT_FAKE_MONOTONIC=1',
  ];
  return { shift, launcher: ['env', ...settings] };
}

async function killAll(nodes: readonly Node[]): Promise<void> {
  await Promise.all(
    nodes.map(async ({ process: node }) => {
      if (!node.running) return;
      node.signal('SIGKILL');
      await node.gone();
    }),
  );
}

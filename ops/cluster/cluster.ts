import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { clusterRecordFile } from '#ops/repl/operator.ts';
import { type Cluster, startCluster } from './start-cluster.ts';

/** `npm run cluster`: a whole cluster on this machine, from one terminal. */
const usage = `npm run cluster [-- options]
  --restart           start a node again that died
  --port <n>          port of the first gateway (3000; the others follow in steps of ten)
  --gateways <n>      (2)   --inventory <n> (3)   --core <n> (2)   --workers <n> (1)
MONGODB_URI and NATS_URL name servers to use instead of own ones; DATA_DIR is ./data.`;

const { values } = parseArgs({
  options: {
    restart: { type: 'boolean', default: false },
    port: { type: 'string', default: '3000' },
    gateways: { type: 'string', default: '2' },
    inventory: { type: 'string', default: '3' },
    core: { type: 'string', default: '2' },
    workers: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

const colours = [36, 33, 32, 35, 34, 31, 96, 93, 92, 95];
const seen = new Map<string, number>();

function print(name: string, line: string): void {
  if (!seen.has(name)) seen.set(name, colours[seen.size % colours.length] ?? 0);
  const prefix = name.padEnd(12);
  const shown = process.stdout.isTTY ? `\x1b[${seen.get(name)}m${prefix}\x1b[0m` : prefix;
  console.log(`${shown}| ${line}`);
}

/** What runs, where, and what to try. */
function table({ nodes, servers, urls }: Cluster): string {
  const rows = nodes.map(({ plan, pid }) => {
    const api = plan.role === 'gateway' ? `http://localhost:${plan.port}` : '';
    return `  ${plan.name.padEnd(12)} ${String(pid).padEnd(8)} ${api.padEnd(24)} http://localhost:${plan.opsPort}/metrics`;
  });
  return [
    '',
    'The cluster is ready',
    '',
    ...servers.map(({ description, url }) => `  ${description}  ${withoutPassword(url)}`),
    '',
    `  ${'node'.padEnd(12)} ${'process'.padEnd(8)} ${'API'.padEnd(24)} operators`,
    ...rows,
    '',
    `  Try next:  npm run onsale -- --url ${urls[0]}    or kill -9 one of the processes`,
    '',
  ].join('\n');
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//');

function howMany(option: 'gateways' | 'inventory' | 'core' | 'workers' | 'port'): number {
  const text = values[option];
  if (!/^\d{1,5}$/.test(text)) throw new Error(`--${option} must be a number, not "${text}"`);
  return Number(text);
}

async function run(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { MONGODB_URI, NATS_URL, DATA_DIR } = process.env;
  const starting = startCluster({
    counts: {
      gateway: howMany('gateways'),
      inventory: howMany('inventory'),
      core: howMany('core'),
      worker: howMany('workers'),
    },
    firstPort: howMany('port'),
    restart: values.restart,
    onLine: print,
    ...(MONGODB_URI ? { mongodbUri: MONGODB_URI } : {}),
    ...(NATS_URL ? { natsUrl: NATS_URL } : {}),
    ...(DATA_DIR ? { dataDir: DATA_DIR } : {}),
  });
  const record = clusterRecordFile(DATA_DIR);
  let stopping = false;
  const stop = async (): Promise<void> => {
    // The nodes and servers of this process end with it.
    if (stopping) process.exit(1);
    stopping = true;
    console.log('Stopping the cluster (again to end at once) …');
    const cluster = await starting.catch(() => undefined);
    rmSync(record, { force: true });
    await cluster?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void stop());
  }
  const cluster = await starting;
  // Where operators' tools (npm run repl) find this cluster. The addresses may hold passwords.
  const { natsUrl, mongodbUri } = cluster;
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, JSON.stringify({ natsUrl, mongodbUri }), { mode: 0o600 });
  console.log(table(cluster));
}

if (values.help) {
  console.log(usage);
} else {
  try {
    await run();
  } catch (error) {
    console.error(`The cluster cannot start. ${(error as Error).message}`);
    process.exit(1);
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#adapters/machine/ports.ts';
import { nodeFlags } from '#ops/cluster/node-process.ts';
import { startCluster } from '#ops/cluster/start-cluster.ts';

/** A running Usher to measure. */
export type System = {
  readonly name: string;
  readonly gateways: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  readonly mongodbUri: string;
  /** Where it is one process. */
  readonly pid?: number | undefined;
  /** All of its processes, servers it uses left out. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
};

const entry = new URL('../../main.ts', import.meta.url).pathname;

/** A database of its own on the run's mongod. */
export function databaseUri(name: string): string {
  const url = new URL(process.env.USHER_TEST_MONGODB_URI ?? '');
  url.pathname = `/usher-bench-${name}-${Date.now()}`;
  return url.href;
}

/** All roles in one process, no transporter; `env` adds to its settings. */
export async function startSingle(env: Readonly<Record<string, string>> = {}): Promise<System> {
  const mongodbUri = databaseUri('single');
  const [port, opsPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'usher-bench-'));
  const child = spawn(process.execPath, [...nodeFlags, entry], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'development',
      MONGODB_URI: mongodbUri,
      PORT: String(port),
      OPS_PORT: String(opsPort),
      DATA_DIR: folder,
      DEMO: 'false',
      LOG_LEVEL: 'error',
      ...env,
    },
  });
  await untilReady(opsPort, child);
  return {
    name: 'single process',
    gateways: [{ host: '127.0.0.1', port }],
    mongodbUri,
    pid: child.pid,
    pids: child.pid === undefined ? [] : [child.pid],
    async stop() {
      await stopChild(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * One gateway, one inventory node, one core node and one worker over NATS, as on two cores; its
 * pids are in this order. `env` adds to their settings.
 */
export async function startSplit(env: Readonly<Record<string, string>> = {}): Promise<System> {
  const cluster = await startCluster({
    counts: { gateway: 1, inventory: 1, core: 1, worker: 1 },
    mongodbUri: databaseUri('cluster'),
    natsUrl: process.env.USHER_TEST_NATS_URL ?? '',
    namespace: `bench-${Date.now()}`,
    env: { DEMO: 'false', LOG_LEVEL: 'error', ...env },
  });
  return {
    name: 'cluster over NATS',
    gateways: cluster.urls.map((url) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })),
    mongodbUri: cluster.mongodbUri,
    pids: cluster.nodes.flatMap(({ pid }) => pid ?? []),
    stop: cluster.stop,
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

async function untilReady(opsPort: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + 30_000;
  while (Date.now() < until && child.exitCode === null) {
    const url = `http://127.0.0.1:${opsPort}/health/ready`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  throw new Error('The system under test was not ready within 30 s.');
}

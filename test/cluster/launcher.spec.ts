import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { alive } from '#adapters/machine/processes.ts';
import { type Cluster, startCluster } from '#ops/cluster/start-cluster.ts';
import {
  describeWith,
  freePort,
  natsUrl,
  type TestDatabase,
  testDatabase,
} from '#test/support/servers.ts';

describeWith(['mongod', 'nats-server'], 'a cluster on this machine', () => {
  const lines: string[] = [];
  let database: TestDatabase;
  let cluster: Cluster;

  beforeAll(async () => {
    database = await testDatabase('launcher');
    cluster = await startCluster({
      counts: { gateway: 1, inventory: 2, core: 1, worker: 1 },
      mongodbUri: database.uri,
      natsUrl: natsUrl(),
      namespace: `launcher-${process.pid}`,
      restart: true,
      env: { DEMO: 'false', LOG_LEVEL: 'error' },
      onLine: (name, line) => lines.push(`${name}: ${line}`),
    });
  }, 90_000);

  afterAll(async () => {
    await cluster?.stop();
    await database?.drop();
  }, 90_000);

  const node = (name: string) => {
    const found = cluster.nodes.find(({ plan }) => plan.name === name);
    if (found === undefined) throw new Error(`There is no ${name}`);
    return found;
  };

  it('serves through its gateway as soon as it is ready', async () => {
    expect(cluster.nodes.every(({ running }) => running)).toBe(true);
    const response = await fetch(`${cluster.urls[0]}/v1/events`);
    expect(response.status).toBe(200);
  });

  it('kills a node for good, and starts it again under its name and ports', async () => {
    const pid = node('inventory-1').pid ?? 0;
    await cluster.kill('inventory-1');
    expect(alive(pid)).toBe(false);
    await sleep(1_500);
    expect(node('inventory-1').running).toBe(false);
    await cluster.restart('inventory-1');
    expect(node('inventory-1').pid).not.toBe(pid);
  }, 60_000);

  it('reports a node that died, and starts it again', async () => {
    const pid = node('core-1').pid ?? 0;
    process.kill(pid, 'SIGKILL');
    while (node('core-1').pid === pid) await sleep(100);
    expect(lines).toContain('core-1: *** ended by SIGKILL; starting it again');
    await node('core-1').ready();
  }, 60_000);

  it('leaves nothing behind', async () => {
    const pids = cluster.nodes.map(({ pid }) => pid ?? 0);
    await cluster.stop();
    expect(pids.filter(alive)).toEqual([]);
  }, 60_000);
});

describeWith(['mongod', 'nats-server'], 'a cluster that cannot start', () => {
  it('says which node did not become ready, and leaves nothing behind', async () => {
    const database = await testDatabase('launcher-failing');
    const starting = startCluster({
      counts: { gateway: 0, inventory: 1, core: 0, worker: 0 },
      firstPort: await freePort(),
      mongodbUri: database.uri,
      natsUrl: natsUrl(),
      env: { LIMITS: 'holdTtlMs=0' },
    });
    await expect(starting).rejects.toThrow(/^inventory-1 did not become ready/);
    await database.drop();
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { Crowd } from '#bench/failover/crowd.ts';
import { ownerOf, untruths } from '#bench/failover/journal.ts';
import {
  drainNode,
  joinNode,
  killOwner,
  pauseOwner,
  type Scene,
} from '#bench/failover/scenarios.ts';
import { buyerTokens } from '#bench/path/buyers.ts';
import { HttpClient } from '#bench/support/http.ts';
import { expectStatus, seatGrid, stageEvents } from '#bench/support/organizer.ts';
import { type Cluster, startCluster } from '#ops/cluster/start-cluster.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const events = 24;
const seats = 2_000;
const perSecond = 60;
/** Generous: machines that run tests are busy. The benchmark holds to the real bar. */
const takeOverMs = 10_000;
/** Holds live this long here, so that one can run out while nobody asks. */
const holdTtlMs = 8_000;

describeWith(['mongod', 'nats-server'], 'a cluster under load', () => {
  let database: TestDatabase;
  let cluster: Cluster;
  let http: HttpClient;
  let db: Db;
  let eventIds: string[];
  let tokens: string[];
  let scene: Scene;
  const asked = new Map<string, number>();

  beforeAll(async () => {
    database = await testDatabase('placement');
    cluster = await startCluster({
      counts: { gateway: 2, inventory: 3, core: 2, worker: 1 },
      mongodbUri: database.uri,
      natsUrl: natsUrl(),
      namespace: `placement-${Date.now()}`,
      env: {
        DEMO: 'false',
        LOG_LEVEL: 'error',
        LIMITS: `failoverMs=5000,holdTtlMs=${holdTtlMs}`,
      },
    });
    http = new HttpClient(cluster.urls, 64);
    db = await acquireMongo(database.uri);
    eventIds = await stageEvents(http, { title: 'One of many', plan: seatGrid(seats) }, events);
    tokens = await buyerTokens(database.uri, seats / 2);
  }, 120_000);

  afterAll(async () => {
    await http?.close();
    if (database !== undefined) await releaseMongo(database.uri);
    await cluster?.stop();
    await database?.drop();
  }, 60_000);

  beforeEach(() => {
    const crowd = new Crowd({ http, eventIds, tokens, asked, perSecond });
    scene = { cluster, db, eventIds, crowd, say: () => undefined };
  });

  /** Whoever was told "accepted" still is, nobody was refused for good, nothing is stale. */
  afterEach(async () => {
    await scene.crowd.stop();
    expect(scene.crowd.failed).toEqual([]);
    expect(await untruths(db, eventIds, scene.crowd.accepted)).toEqual([]);
  }, 60_000);

  it('goes on when an owner is killed', async () => {
    scene.crowd.start();
    await sleep(500);
    expect(await killOwner(scene, 0)).toBeLessThan(takeOverMs);
  }, 60_000);

  it('goes on when an owner is paused, which then does nothing that is stale', async () => {
    scene.crowd.start();
    await sleep(500);
    expect(await pauseOwner(scene, 1)).toBeLessThan(takeOverMs);
  }, 60_000);

  it('picks up an event whose owner was killed although nobody asks for it', async () => {
    const eventId = eventIds[2] as string;
    const reserved = await http.send<{ reservationId: string }>('POST', '/v1/reserve', {
      token: tokens.at(-1) as string,
      idempotencyKey: 'nobody-asks-again',
      body: { eventId, best: { quantity: 1 } },
    });
    const { reservationId } = expectStatus(reserved, 200, 'reserve');
    const owner = await ownerOf(db, eventId);
    await cluster.kill(owner, 'SIGKILL');
    const expired = `{"type":"expired","hold":"${reservationId}"}`;
    const entry = { eventId, node: { $ne: owner }, facts: { $regex: RegExp.escape(expired) } };
    const until = Date.now() + holdTtlMs + takeOverMs;
    while ((await db.collection('journal').findOne(entry)) === null && Date.now() < until) {
      await sleep(250);
    }
    expect(await db.collection('journal').countDocuments(entry)).toBe(1);
    await cluster.restart(owner);
  }, 90_000);

  it('gives a joining node its share and no more, and takes it back when that node drains', async () => {
    scene.crowd.start();
    const joined = await joinNode(scene);
    expect(joined.tookMs.length).toBeGreaterThan(0);
    // A quarter of 24 events on average; the hash may be uneven over so few.
    expect(joined.share).toBeLessThanOrEqual(0.5);
    expect(await ownerCount('inventory-4')).toBeGreaterThan(0);
    const drained = await drainNode(scene, 'inventory-4');
    expect(drained.share).toBe(joined.share);
    expect(await ownerCount('inventory-4')).toBe(0);
  }, 180_000);

  const ownerCount = (owner: string): Promise<number> =>
    db.collection('inventories').countDocuments({ owner });

  it('is restarted node by node, and every request succeeds in the end', async () => {
    scene.crowd.start();
    await cluster.rollingRestart();
    await scene.crowd.stop();
    expect(scene.crowd.accepted.length).toBeGreaterThan(500);
  }, 240_000);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { Crowd } from '#bench/failover/crowd.ts';
import { ownerOf } from '#bench/failover/journal.ts';
import {
  acceptedWithinMs,
  type Crowded,
  pastTakeOverMs,
  settledMs,
} from '#bench/failover/scenarios.ts';
import { buyerTokens } from '#bench/path/buyers.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvents } from '#bench/support/organizer.ts';
import { type ChaosCluster, type Counts, startChaosCluster } from '#ops/chaos/cluster.ts';
import { openNetwork, removeNetwork } from '#ops/chaos/network.ts';

export type CutOffScene = Crowded & { readonly cluster: ChaosCluster };

type Options = {
  readonly counts: Counts;
  readonly events: number;
  readonly seats: number;
  readonly perSecond: number;
  readonly say: (line: string) => void;
};

/**
 * A crowd at a cluster each of whose nodes has a network of its own, for `work`. Undefined where
 * this machine or its user may not make any.
 */
export async function withCuttable<T>(
  { counts, events, seats, perSecond, say }: Options,
  work: (scene: CutOffScene) => Promise<T>,
): Promise<T | undefined> {
  const cleanUp = new AsyncDisposableStack();
  try {
    const folder = await mkdtemp(join(tmpdir(), 'usher-failover-'));
    cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
    cleanUp.defer(removeNetwork);
    const network = await openNetwork();
    if ('missing' in network) {
      say(`No owner can be cut off here: ${network.missing}`);
      return undefined;
    }
    const cluster = await startChaosCluster({ counts, network, folder, cleanUp });
    const http = new HttpClient(cluster.gatewayUrls, 128);
    cleanUp.defer(() => http.close());
    const db = await acquireMongo(cluster.mongodbUri);
    cleanUp.defer(() => releaseMongo(cluster.mongodbUri));
    const eventIds = await stageEvents(
      http,
      { title: 'One of few', plan: seatGrid(seats) },
      events,
    );
    const tokens = await buyerTokens(cluster.mongodbUri, seats / 2);
    const crowd = new Crowd({ http, eventIds, tokens, asked: new Map(), perSecond });
    return await work({ cluster, db, eventIds, crowd, say });
  } finally {
    await cleanUp.disposeAsync();
  }
}

/**
 * Drops all packets between the owner of an event and MongoDB until another node has taken it
 * over, and for a while after that. Ms to the next accepted reservation.
 */
export async function cutOffOwner(scene: CutOffScene, turn: number): Promise<number> {
  const { cluster, crowd, db, eventIds, say } = scene;
  const eventId = eventIds[turn % eventIds.length] as string;
  const owner = await ownerOf(db, eventId);
  const node = cluster.nodes.find(({ name }) => name === owner);
  if (node === undefined) throw new Error(`${eventId} has no owner`);
  const cutAt = Date.now();
  await node.place.cut([{ port: cluster.mongod.port, direction: 'both' }]);
  try {
    const next = await crowd.firstAfter(eventId, cutAt, acceptedWithinMs);
    await sleep(pastTakeOverMs);
    const ms = next.answeredAt - cutAt;
    say(`${owner} cut off from MongoDB: next reservation accepted after ${ms} ms`);
    return ms;
  } finally {
    await node.place.heal();
    await node.process.ready();
    await sleep(settledMs);
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { Crowd } from '#bench/failover/crowd.ts';
import { type Move, movesSince, ownerOf } from '#bench/failover/journal.ts';
import { limits } from '#domain/limits.ts';
import type { Cluster } from '#ops/cluster/start-cluster.ts';

/** A crowd at some events of a cluster. */
export type Crowded = {
  readonly db: Db;
  readonly crowd: Crowd;
  readonly eventIds: readonly string[];
  readonly say: (line: string) => void;
};
export type Scene = Crowded & { readonly cluster: Cluster };

export const acceptedWithinMs = 30_000;
/** Long enough that others have seen a node for as long as they need to hand events to it. */
export const settledMs = limits.heartbeatDeadMs + 2 * limits.heartbeatEveryMs;
/** A paused or cut-off owner comes back this long after its event was taken over. */
export const pastTakeOverMs = 2_000;

/** The `turn`-th event, one that a node owns now. */
async function target(scene: Scene, turn: number): Promise<{ eventId: string; owner: string }> {
  const eventId = scene.eventIds[turn % scene.eventIds.length] as string;
  for (let tries = 0; tries < 100; tries++) {
    const owner = await ownerOf(scene.db, eventId);
    const node = scene.cluster.nodes.find(({ plan }) => plan.name === owner);
    if (node?.running === true) return { eventId, owner };
    await sleep(100);
  }
  throw new Error(`${eventId} has no owner`);
}

/** Kills the owner of an event with -9; ms to the next reservation that is asked for and got. */
export async function killOwner(scene: Scene, turn: number): Promise<number> {
  const { eventId, owner } = await target(scene, turn);
  const killedAt = Date.now();
  await scene.cluster.kill(owner, 'SIGKILL');
  const next = await scene.crowd.firstAfter(eventId, killedAt, acceptedWithinMs);
  await scene.cluster.restart(owner);
  await sleep(settledMs);
  const ms = next.answeredAt - killedAt;
  scene.say(`${owner} killed: next reservation accepted after ${ms} ms`);
  return ms;
}

/**
 * Stops the owner of an event as a long pause does, lets another node take it over, and continues
 * it: it must neither answer nor commit what is stale. Ms to the next accepted reservation.
 */
export async function pauseOwner(scene: Scene, turn: number): Promise<number> {
  const { eventId, owner } = await target(scene, turn);
  const pausedAt = Date.now();
  await scene.cluster.kill(owner, 'SIGSTOP');
  try {
    const next = await scene.crowd.firstAfter(eventId, pausedAt, acceptedWithinMs);
    await sleep(pastTakeOverMs);
    const ms = next.answeredAt - pausedAt;
    scene.say(`${owner} paused: next reservation accepted after ${ms} ms`);
    return ms;
  } finally {
    await scene.cluster.kill(owner, 'SIGCONT');
    await sleep(settledMs);
  }
}

/** How events moved. */
export type Moved = {
  /** Which share of all. */
  readonly share: number;
  /** From the last entry of the old owner to the first of the new one. */
  readonly claimedMs: readonly number[];
  /** That, or the time of the slowest reservation that met it, whichever is longer. */
  readonly tookMs: readonly number[];
};

/** One more inventory node joins; ends when events have stopped moving to it. */
export async function joinNode(scene: Scene): Promise<Moved> {
  const since = await whenAtRest(scene);
  const name = await scene.cluster.add('inventory');
  scene.say(`${name} has joined`);
  await sleep(settledMs);
  await untilMovesEnd(scene, since);
  return movedSince(scene, since);
}

/** An inventory node drains as before an upgrade, and stays away. Call it when nothing moves. */
export async function drainNode(scene: Scene, name: string): Promise<Moved> {
  const since = Date.now();
  await scene.cluster.drain(name);
  scene.say(`${name} has drained`);
  await sleep(settledMs);
  return movedSince(scene, since);
}

/** What happened before must not move events any more. Answers the time, epoch ms. */
async function whenAtRest(scene: Scene): Promise<number> {
  await untilMovesEnd(scene, Date.now());
  return Date.now();
}

/** Waits until nothing has moved for longer than a tenure. */
async function untilMovesEnd({ db, eventIds }: Scene, since: number): Promise<void> {
  const quietMs = limits.ownerTenureMs + settledMs;
  for (let moves = 0; ; ) {
    // Looking reads every journal: not while events move.
    await sleep(quietMs);
    const now = (await movesSince(db, eventIds, since)).length;
    if (now === moves) return;
    moves = now;
  }
}

async function movedSince({ db, eventIds, crowd }: Scene, since: number): Promise<Moved> {
  const moves = await movesSince(db, eventIds, since);
  const share = new Set(moves.map(({ eventId }) => eventId)).size / eventIds.length;
  return {
    share,
    claimedMs: moves.map(({ handedOverAt, claimedAt }) => claimedAt - handedOverAt),
    tookMs: moves.map((move) => outOfService(move, crowd)),
  };
}

function outOfService({ eventId, handedOverAt, claimedAt }: Move, { accepted }: Crowd): number {
  const met = accepted.filter(
    (one) => one.eventId === eventId && one.answeredAt >= handedOverAt && one.sentAt <= claimedAt,
  );
  return Math.max(claimedAt - handedOverAt, ...met.map((one) => one.answeredAt - one.sentAt));
}

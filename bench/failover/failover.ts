import { setTimeout as sleep } from 'node:timers/promises';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { Crowd } from '#bench/failover/crowd.ts';
import { type CutOffScene, cutOffOwner, withCuttable } from '#bench/failover/cut-off.ts';
import { untruths } from '#bench/failover/journal.ts';
import {
  type Crowded,
  drainNode,
  joinNode,
  killOwner,
  type Moved,
  pauseOwner,
  type Scene,
} from '#bench/failover/scenarios.ts';
import { buyerTokens } from '#bench/path/buyers.ts';
import { databaseUri } from '#bench/path/systems.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvents } from '#bench/support/organizer.ts';
import type { AnyRow, Bar, Figures } from '#bench/support/results.ts';
import { Samples, spread } from '#bench/support/stats.ts';
import { startCluster } from '#ops/cluster/start-cluster.ts';

export type FailoverOptions = {
  readonly events: number;
  readonly kills: number;
  readonly pauses: number;
  readonly cuts: number;
  readonly perSecond: number;
};

const inventoryNodes = 3;
const counts = { gateway: 2, inventory: inventoryNodes, core: 2, worker: 1 } as const;
/** Few events are asked so often that a gap shows at once; many show what moves. */
const hotEvents = 4;
const hotSeats = 20_000;
const manySeats = 2_000;
const [killed, paused, cutOff, joined, drained, restarted] = [
  'owner killed',
  'owner paused past a take-over',
  'owner cut off from MongoDB',
  `node joins (${inventoryNodes} to ${inventoryNodes + 1})`,
  `node drains (${inventoryNodes + 1} to ${inventoryNodes})`,
  'rolling restart',
] as const;

/** An owner that cannot be cut off on this machine is held to nothing. */
const barsOf = (played: readonly string[]): readonly Bar[] => [
  {
    id: 'R5',
    what: 'ms to the next accepted reservation (p99)',
    figure: 'p99Ms',
    rows: [killed, paused, cutOff].filter((name) => played.includes(name)),
    most: 3_000,
  },
  { id: 'R5', what: 'ms a hand-over (p99)', figure: 'p99Ms', rows: [joined, drained], most: 250 },
  {
    id: 'R5',
    what: 'of all events moved (1.2/n)',
    figure: 'movedShare',
    rows: [joined, drained],
    most: 1.2 / (inventoryNodes + 1),
  },
  { id: 'R5', what: 'failed requests', figure: 'failed', rows: [restarted], most: 0 },
];

/** The suite: four kills a run, a pause and a cut, and 200 events. */
export const measureFailover = ({ runs }: { readonly runs: number }): Promise<Figures> =>
  playFailover({ events: 200, kills: 4 * runs, pauses: runs, cuts: runs, perSecond: 200 });

/**
 * What a cluster of real processes does when inventory nodes are killed, paused, join and drain,
 * and when every node is restarted, all of it under a constant load of reservations over HTTP.
 */
async function playFailover(options: FailoverOptions): Promise<Figures> {
  const say = (line: string): void => console.log(line);
  const rows = await playOnCluster(options, say);
  const { cuts, perSecond } = options;
  const cut: Act<CutOffScene> = { name: cutOff, run: repeated(cuts, cutOffOwner) };
  const staged = { counts, events: hotEvents, seats: hotSeats, perSecond, say };
  const cutRow = await withCuttable(staged, (scene) => play(cut, scene));
  if (cutRow !== undefined) rows.splice(2, 0, cutRow);
  const bars = barsOf(rows.map(({ name }) => name));
  const generator = `open loop, ${options.perSecond} reservations/s, on the same cores`;
  return { suite: 'failover', settings: options, rows, bars, generator };
}

async function playOnCluster(
  options: FailoverOptions,
  say: (line: string) => void,
): Promise<AnyRow[]> {
  const mongodbUri = databaseUri('failover');
  const cluster = await startCluster({
    counts,
    mongodbUri,
    natsUrl: process.env.USHER_TEST_NATS_URL ?? '',
    namespace: `failover-${Date.now()}`,
    env: { DEMO: 'false', LOG_LEVEL: 'error' },
  });
  const http = new HttpClient(cluster.urls, 128);
  const db = await acquireMongo(mongodbUri);
  try {
    const events = await staged(http, options);
    const tokens = await buyerTokens(mongodbUri, hotSeats / 2);
    const asked = new Map<string, number>();
    const rows: AnyRow[] = [];
    for (const act of acts(options)) {
      const eventIds = events[act.on];
      const crowd = new Crowd({ http, eventIds, tokens, asked, perSecond: options.perSecond });
      rows.push(await play(act, { cluster, db, eventIds, say, crowd }));
    }
    return rows;
  } finally {
    await http.close();
    await releaseMongo(mongodbUri);
    await cluster.stop();
  }
}

async function staged(http: HttpClient, { events }: FailoverOptions) {
  const stage = (title: string, seats: number, count: number): Promise<string[]> =>
    stageEvents(http, { title, plan: seatGrid(seats) }, count);
  return {
    hot: await stage('One of few', hotSeats, hotEvents),
    many: await stage('One of many', manySeats, events),
  };
}

type Act<S extends Crowded = Scene> = {
  readonly name: string;
  readonly run: (scene: S) => Promise<Omit<AnyRow, 'name' | 'honest'>>;
};

/** The same again and again; how long it took. */
const repeated =
  <S>(count: number, once: (scene: S, turn: number) => Promise<number>) =>
  async (scene: S) => {
    const taken: number[] = [];
    for (let turn = 0; turn < count; turn++) taken.push(await once(scene, turn));
    return { ...quantiles(taken), figures: { times: one(count) } };
  };

function acts({ kills, pauses }: FailoverOptions): (Act & { readonly on: 'hot' | 'many' })[] {
  return [
    { name: killed, on: 'hot', run: repeated(kills, killOwner) },
    { name: paused, on: 'hot', run: repeated(pauses, pauseOwner) },
    { name: joined, on: 'many', run: async (scene) => moveRow(await joinNode(scene)) },
    {
      name: drained,
      on: 'many',
      run: async (scene) => moveRow(await drainNode(scene, `inventory-${inventoryNodes + 1}`)),
    },
    { name: restarted, on: 'many', run: rollingRestart },
  ];
}

/** Plays one act under load; afterwards the journal must have all that was answered. */
async function play<S extends Crowded>({ name, run }: Act<S>, scene: S): Promise<AnyRow> {
  const { crowd, say } = scene;
  crowd.start();
  await sleep(1_000);
  const row = await run(scene).finally(() => crowd.stop());
  const wrong = await untruths(scene.db, scene.eventIds, crowd.accepted);
  if (crowd.failed.length > 0) {
    wrong.push(`${crowd.failed.length} failed: ${[...new Set(crowd.failed)].join(', ')}`);
  }
  for (const sentence of wrong.slice(0, 20)) say(`  ${sentence}`);
  const retried = JSON.stringify(Object.fromEntries(crowd.retried));
  say(`${name}: ${crowd.accepted.length} reservations accepted, asked again after ${retried}`);
  return { name, ...row, honest: wrong.length === 0 };
}

async function rollingRestart({ cluster, crowd }: Scene) {
  const startedAt = performance.now();
  await cluster.rollingRestart();
  const seconds = (performance.now() - startedAt) / 1_000;
  await crowd.stop();
  const { accepted, failed } = crowd;
  const retried = accepted.filter(({ tries }) => tries > 1).length / Math.max(1, accepted.length);
  return {
    perSecond: one(accepted.length / seconds),
    ...quantiles(accepted.map(({ sentAt, answeredAt }) => answeredAt - sentAt)),
    figures: { failed: one(failed.length), retriedShare: one(retried) },
  };
}

const moveRow = ({ share, tookMs, claimedMs }: Moved) => ({
  ...quantiles(tookMs),
  figures: { claimedMs: spread(claimedMs), movedShare: one(share) },
});

const one = (value: number) => spread([value]);

function quantiles(values: readonly number[]) {
  const samples = new Samples();
  for (const value of values) samples.add(value);
  return { p50Ms: one(samples.quantile(0.5)), p99Ms: one(samples.quantile(0.99)) };
}

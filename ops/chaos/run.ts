import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvent } from '#bench/support/organizer.ts';
import { inspect } from '#ops/chaos/aftermath.ts';
import { Buyers } from '#ops/chaos/buyers.ts';
import { type ChaosCluster, type Counts, startChaosCluster } from '#ops/chaos/cluster.ts';
import { Crowd, type Stage } from '#ops/chaos/crowd.ts';
import { allFaults, type Fault, type Scene } from '#ops/chaos/faults.ts';
import { History } from '#ops/chaos/history.ts';
import { buildChecker, checkHistories } from '#ops/chaos/linearizable.ts';
import { MoneyCrowd } from '#ops/chaos/money-crowd.ts';
import { openMoneyStage } from '#ops/chaos/money-stage.ts';
import { type Network, openNetwork, removeNetwork, sharedLoopback } from '#ops/chaos/network.ts';
import { Recoveries } from '#ops/chaos/recovery.ts';
import type { ChaosReport } from '#ops/chaos/report.ts';
import { type Round, schedule } from '#ops/chaos/schedule.ts';

export type ChaosOptions = {
  readonly seconds: number;
  readonly seed: number;
  /** Names of faults; absent: all that this machine can do. */
  readonly faults?: readonly string[];
  readonly counts: Counts;
  readonly events: number;
  readonly seatsPerEvent: number;
  readonly clients: number;
  /** So many of them pay. */
  readonly payers: number;
  /** Between two faults, ms. */
  readonly quietMs: readonly [number, number];
  /** Gets what must be undone, also when the run is broken off. */
  readonly cleanUp: AsyncDisposableStack;
  say(line: string): void;
};

/**
 * Plays a crowd against a real cluster while faults fire, then checks everything that must hold.
 * Rejects when no run was possible; whatever the run finds is in the report.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { cleanUp, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'usher-chaos-'));
  const keep = { folder: false };
  cleanUp.defer(async () => {
    if (!keep.folder) await rm(folder, { recursive: true, force: true });
  });
  const building = buildChecker(folder);
  // It would write into a folder that is gone.
  cleanUp.defer(async () => void (await building.catch(() => undefined)));
  building.catch(() => undefined);
  cleanUp.defer(removeNetwork);
  const { network, missing } = await networkOf(say);
  const faults = chosen(options, network, missing);
  say(`Starting a cluster in ${folder} …`);
  const cluster = await startChaosCluster({ ...options, network, folder });
  const missingNow = cluster.nodes.some(({ shiftClock }) => shiftClock !== undefined)
    ? missing
    : [...missing, 'clock-jump: libfaketime is not installed'];
  const fit = faults.filter(({ needs }) => needs !== 'clock' || missingNow === missing);
  const db = await acquireMongo(cluster.mongodbUri);
  cleanUp.defer(() => releaseMongo(cluster.mongodbUri));
  const checker = await building;
  const world = await openWorld(options, cluster, db, fit);
  cleanUp.defer(() => world.http.close());
  await world.play();
  say('Quiet now: following up what is open, then looking at everything …');
  const after = await inspect({ ...world, cluster, db, say });
  say('an order for the operations of every seat …');
  const linearizable = await checkHistories(checker, world.history.seats(), { folder });
  const { history, fired, problems } = world;
  const violations = [
    ...problems,
    ...cluster.diedByThemselves.map((died) => `by itself: ${died}`),
    ...history.untruths.map((untruth) => `told: ${untruth}`),
    ...after.findings.map((finding) => `kept: ${finding}`),
    ...linearizable.violations.map((v) => `order: ${v.seat} ${JSON.stringify(v.stuck)}`),
    ...linearizable.undecided.map((seat) => `order: ${seat} could not be decided in time`),
  ];
  keep.folder = violations.length > 0;
  if (keep.folder) await writeHistories(history, join(folder, 'histories.jsonl'));
  return {
    seconds: options.seconds,
    seed: options.seed,
    cluster: options.counts,
    network: network.separate ? 'namespaces' : 'loopback',
    leftOut: missingNow,
    faults: fit.map(({ name }) => ({ name, fired: fired.get(name) ?? 0 })),
    rounds: world.rounds,
    operations: history.operations,
    byKind: history.table(),
    recoveries: world.recoveries.table(),
    handOvers: after.handOvers.filter(({ at, acceptsMs }) =>
      world.drains.some(({ from, to }) => from <= at && at + acceptsMs < to),
    ),
    journalEntries: after.journalEntries,
    money: after.money,
    linearizable: { seats: linearizable.seats, operations: linearizable.operations },
    violations,
    ...(keep.folder ? { folder } : {}),
  };
}

async function networkOf(say: (line: string) => void) {
  const opened = await openNetwork();
  if (!('missing' in opened)) return { network: opened as Network, missing: [] as string[] };
  const why = `no network namespaces (${opened.missing})`;
  if (process.env.CI !== undefined) throw new Error(`Nodes cannot be cut off here: ${why}`);
  say(`Only faults of processes: ${why}`);
  return { network: sharedLoopback(), missing: [`all cuts: ${why}`] };
}

function chosen({ faults }: ChaosOptions, network: Network, missing: readonly string[]): Fault[] {
  const unknown = (faults ?? []).filter((name) => !allFaults.some((f) => f.name === name));
  if (unknown.length > 0) throw new Error(`There is no fault ${unknown.join(', ')}`);
  const wanted = allFaults.filter(({ name }) => faults?.includes(name) ?? true);
  const possible = wanted.filter(({ needs }) => needs !== 'cuts' || network.separate);
  if (possible.length === 0) throw new Error(`No fault is possible: ${missing.join(', ')}`);
  return possible;
}

/** Epoch ms; `to` is infinite until the next round begins. */
type Drain = { readonly from: number; to: number };

function endDrain(drains: readonly Drain[]): void {
  const last = drains.at(-1);
  if (last?.to === Number.POSITIVE_INFINITY) last.to = Date.now();
}

type World = {
  readonly history: History;
  readonly http: HttpClient;
  readonly crowd: Crowd;
  readonly money: MoneyCrowd;
  readonly stages: readonly Stage[];
  readonly recoveries: Recoveries;
  readonly fired: ReadonlyMap<string, number>;
  /** What went wrong while it played, in words. */
  readonly problems: string[];
  readonly rounds: number;
  /** Rounds in which owners were drained and nothing else was wrong; epoch ms. */
  readonly drains: readonly Drain[];
  play(): Promise<void>;
};

async function openWorld(
  options: ChaosOptions,
  cluster: ChaosCluster,
  db: Db,
  faults: readonly Fault[],
): Promise<World> {
  const http = new HttpClient(cluster.gatewayUrls, 512, 8_000);
  const stages = await Promise.all(
    Array.from({ length: options.events }, (_, i) => stageOf(http, i, options.seatsPerEvent)),
  );
  const history = new History();
  const buyers = await Buyers.of(db);
  const staged = { seconds: options.seconds, seats: options.seatsPerEvent };
  const moneyStage = await openMoneyStage(http, db, buyers, staged);
  const money = new MoneyCrowd(http, history, buyers, moneyStage);
  const { clients, payers } = options;
  const crowd = new Crowd({ http, history, buyers, stages, money, clients, payers });
  const recoveries = new Recoveries(history, (eventId) => {
    const stage = stages.find((s) => s.eventId === eventId);
    return stage === undefined ? Promise.resolve() : crowd.probe(stage);
  });
  const fired = new Map<string, number>();
  const problems: string[] = [];
  const scene = sceneOf(cluster, db, stages);
  const drains: Drain[] = [];
  let rounds = 0;
  const play = async (): Promise<void> => {
    const playing = crowd.play();
    const cancelling = cancelHalfWay(money, options, problems);
    const until = Date.now() + options.seconds * 1_000;
    const names = faults.map(({ name }) => name);
    for (const round of schedule(names, options.seed, options.quietMs)) {
      await sleep(round.quietMs);
      if (Date.now() >= until || problems.length > 0) break;
      rounds++;
      endDrain(drains);
      progress(options, history, rounds, until);
      const label = round.faults.join(' + ');
      if (label === 'drain-owner') drains.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
      const watched = { ...scene(label, recoveries), say: options.say };
      await Promise.all(round.faults.map((name) => fire(name, watched, round, fired, problems)));
      await allReady(cluster, label, problems);
    }
    await recoveries.seen();
    await cancelling;
    // From now on nobody asks whom an event was handed to.
    endDrain(drains);
    crowd.stop();
    await playing;
  };
  return {
    ...{ history, http, crowd, money, stages, recoveries, fired, problems, drains, play },
    get rounds() {
      return rounds;
    },
  };
}

/** One event is cancelled with its bookings, in the middle of the faults. */
async function cancelHalfWay(
  money: MoneyCrowd,
  { seconds, say }: ChaosOptions,
  problems: string[],
): Promise<void> {
  await sleep(seconds * 500);
  const bookings = [...money.told.values()];
  const { cancelledId } = money.stage;
  const sold = bookings.filter(({ eventId }) => eventId === cancelledId).length;
  say(`an event with ${sold} bookings is cancelled`);
  if (!(await money.cancelEvent())) problems.push(`told: ${cancelledId} could not be cancelled`);
}

async function stageOf(http: HttpClient, index: number, seats: number): Promise<Stage> {
  const plan = seatGrid(seats);
  const eventId = await stageEvent(http, { title: `Chaos ${index + 1}`, plan });
  const ids = plan.zones.flatMap(({ rows }) => rows.flatMap((row) => row.seats));
  return { eventId, seats: ids.map(({ seat_guid }) => seat_guid) };
}

/** What faults see of the cluster; `label` names the round in the table of recoveries. */
function sceneOf(cluster: ChaosCluster, db: Db, stages: readonly Stage[]) {
  const busy = new Set<string>();
  const inventories = db.collection<{ _id: string; owner: string | null }>('inventories');
  const owners = new Map<string, string>();
  const owner = async (eventId: string): Promise<string | undefined> => {
    const rows = await inventories
      .find()
      .toArray()
      .catch(() => []);
    for (const row of rows) if (row.owner !== null) owners.set(row._id, row.owner);
    return owners.get(eventId);
  };
  return (label: string, recoveries: Recoveries): Omit<Scene, 'say'> => ({
    cluster,
    busy,
    owner,
    eventOf: (pick) => stages[Math.floor(pick * stages.length)]?.eventId ?? '',
    ownerGoes: (node) => {
      const lost = stages.filter(({ eventId }) => owners.get(eventId) === node.name);
      recoveries.ownerGoes(
        label,
        lost.map(({ eventId }) => eventId),
      );
    },
  });
}

async function fire(
  name: string,
  scene: Scene,
  round: Round,
  fired: Map<string, number>,
  problems: string[],
): Promise<void> {
  const fault = allFaults.find((f) => f.name === name);
  try {
    if (await fault?.run(scene, round)) fired.set(name, (fired.get(name) ?? 0) + 1);
  } catch (error) {
    problems.push(`after ${name}: ${(error as Error).message}`);
  }
}

async function allReady(cluster: ChaosCluster, label: string, problems: string[]): Promise<void> {
  await Promise.all(
    cluster.nodes.map(({ process: node }) =>
      node.ready().catch((error: Error) => {
        problems.push(`after ${label}: ${error.message}`);
      }),
    ),
  );
}

function progress(options: ChaosOptions, history: History, round: number, until: number): void {
  const left = Math.max(0, Math.round((until - Date.now()) / 1_000));
  options.say(`round ${round}, ${history.operations} operations so far, ${left} s left`);
}

async function writeHistories(history: History, file: string): Promise<void> {
  const stream = createWriteStream(file);
  for (const seat of history.seats()) stream.write(`${JSON.stringify(seat)}\n`);
  stream.end();
  await finished(stream);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from 'mongodb';
import { HttpClient } from '#bench/support/http.ts';
import { inParallel } from '#bench/support/stats.ts';
import type { ChaosCluster } from '#ops/chaos/cluster.ts';
import type { Crowd, Stage } from '#ops/chaos/crowd.ts';
import type { History } from '#ops/chaos/history.ts';
import { type HandOver, journalSweep, type Sweep } from '#ops/chaos/journal-sweep.ts';
import { inspectMoney, type MoneyFigures } from '#ops/chaos/money-aftermath.ts';
import type { MoneyCrowd } from '#ops/chaos/money-crowd.ts';
import { toldFindings } from '#ops/chaos/money-told.ts';
import { Shopper } from '#ops/chaos/shopper.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';

export type Aftermath = {
  /** Whatever does not hold now that all is quiet, in words. */
  readonly findings: readonly string[];
  readonly handOvers: readonly HandOver[];
  readonly journalEntries: number;
  readonly money: MoneyFigures;
};

type Quiet = {
  readonly db: Db;
  readonly cluster: ChaosCluster;
  readonly stages: readonly Stage[];
  readonly http: HttpClient;
  readonly history: History;
  readonly crowd: Crowd;
  readonly money: MoneyCrowd;
  say(line: string): void;
};

const settleMs = 120_000;
const openBookingMs = 60_000;
const readsMax = 300;
const viewMs = 20_000;

/**
 * What must hold when no fault and no client is left: open ends are followed up first, so that
 * the histories know them; then what clients were told is compared with what is kept.
 */
export async function inspect(quiet: Quiet): Promise<Aftermath> {
  const { db, stages, crowd, history, say } = quiet;
  await followCheckouts(quiet);
  say('verify:event of every event …');
  const { eventIds, cancelledId } = quiet.money.stage;
  const ofMoney = [...eventIds, cancelledId];
  const all = [...stages.map(({ eventId }) => eventId), ...ofMoney];
  const findings = (await Promise.all(all.map((eventId) => verified(db, eventId)))).flat();
  // Every booking is finished: what was to be given back has been.
  if (findings.length === 0) for (const op of crowd.openCancels) op.r = history.now();
  say('what is held and booked, read again …');
  await readAgain(quiet);
  findings.push(...(await ticketsStand(quiet)));
  say('the journals, fact by fact …');
  const sweeps: Sweep[] = [];
  for (const stage of stages) {
    findings.push(...(await acceptsAgain(quiet, stage)));
    const sweepOn = journalSweep(db, stage.eventId);
    findings.push(...(await viewsAgree(quiet, stage, sweepOn)));
    const sweep = await sweepOn();
    sweeps.push(sweep);
    findings.push(...sweep.findings);
  }
  for (const eventId of ofMoney) {
    const sweep = await journalSweep(db, eventId)();
    findings.push(...sweep.findings);
  }
  findings.push(...journalsKeep(history, sweeps));
  say('the money …');
  const money = await inspectMoney(db, quiet.cluster.provider.mongodbUri);
  findings.push(...money.findings);
  findings.push(...(await toldFindings(db, quiet.money, quiet.cluster.gatewayUrls)));
  return {
    findings,
    handOvers: sweeps.flatMap((sweep) => sweep.handOvers),
    journalEntries: sweeps.reduce((sum, { seq }) => sum + seq, 0),
    money: money.figures,
  };
}

/** Checkouts whose end nobody saw: by the buyer's list of bookings. */
async function followCheckouts({ crowd, http, history }: Quiet): Promise<void> {
  const open = crowd.openCheckouts;
  await inParallel(open.length, 16, async (i) => {
    const checkout = open[i];
    if (checkout === undefined) return;
    const shopper = new Shopper(http, history, checkout.held.buyer);
    for (const until = Date.now() + openBookingMs; Date.now() < until; await sleep(1_000)) {
      const booking = await shopper.bookingOf(checkout.held);
      const moving = booking !== undefined && /^(pending|selling|requires)/.test(booking.status);
      if (moving) continue;
      if (booking !== undefined) {
        shopper.bookingEnded(checkout, booking.bookingId, booking.status);
      }
      return;
    }
  });
}

async function verified(db: Db, eventId: string): Promise<string[]> {
  const report = await verifyEvent(db, eventId, { settled: true, settleMs });
  const findings = report.findings.map(({ problem, about }) => `${eventId} ${problem}: ${about}`);
  return report.settled ? findings : [...findings, `${eventId} did not come to rest`];
}

/** What clients were granted, read once more by those who hold it. */
async function readAgain({ crowd, http, history }: Quiet): Promise<void> {
  const { kept } = crowd;
  await inParallel(kept.length, 16, async (i) => {
    const booking = kept[i];
    if (booking === undefined) return;
    await new Shopper(http, history, booking.buyer).read(booking, true);
  });
  const abandoned = crowd.abandoned.slice(-readsMax);
  await inParallel(abandoned.length, 16, async (i) => {
    const held = abandoned[i];
    if (held !== undefined) await new Shopper(http, history, held.buyer).read(held);
  });
}

/** Every booking that was confirmed and not cancelled has a valid ticket for each of its seats. */
async function ticketsStand({ db, crowd }: Quiet): Promise<string[]> {
  const kept = new Map(crowd.kept.map((booking) => [booking.bookingId, booking]));
  const ids = [...kept.keys()];
  const tickets = await db
    .collection('tickets')
    .find({ bookingId: { $in: ids }, active: true, status: 'valid' })
    .toArray();
  const byBooking = Map.groupBy(tickets, (ticket) => String(ticket.bookingId));
  return ids.flatMap((id) => {
    const wanted = kept.get(id)?.seats.length;
    const found = byBooking.get(id)?.length ?? 0;
    return found === wanted
      ? []
      : [`${id} was confirmed for ${wanted} seats, has ${found} tickets`];
  });
}

async function acceptsAgain({ crowd, history }: Quiet, stage: Stage): Promise<string[]> {
  const from = history.now();
  for (const until = Date.now() + viewMs; Date.now() < until; await sleep(200)) {
    await crowd.probe(stage);
    if (history.acceptedOf(stage.eventId).some((accepted) => accepted.from >= from)) return [];
  }
  return [`${stage.eventId} accepts no reservation though all is quiet`];
}

/** Every gateway shows the seats as the journal has them. */
async function viewsAgree(
  { cluster }: Quiet,
  { eventId, seats }: Stage,
  sweepOn: () => Promise<Sweep>,
): Promise<string[]> {
  const findings: string[] = [];
  for (const url of cluster.gatewayUrls) {
    let differing: number[] = [];
    const until = Date.now() + viewMs;
    do {
      const { taken } = await sweepOn();
      const bits = await viewOf(url, eventId);
      differing = [...seats.keys()].filter((i) => {
        const shown = ((bits?.[i >> 2] ?? 0) >> (2 * (i % 4))) & 3;
        return bits === undefined || shown !== codeOf[taken.get(i) ?? 'a'];
      });
    } while (differing.length > 0 && Date.now() < until && (await sleep(500)) === undefined);
    if (differing.length === 0) continue;
    findings.push(
      `${url} shows ${differing.length} seats of ${eventId} otherwise than the journal`,
    );
  }
  return findings;
}

const codeOf = { a: 0, r: 1, s: 2, b: 3 } as const;

async function viewOf(url: string, eventId: string): Promise<Buffer | undefined> {
  const http = new HttpClient([url], 1, 5_000);
  try {
    const path = `/v1/events/${eventId}/availability`;
    const { status, body } = await http.send<{ seats: string }>('GET', path);
    return status === 200 ? Buffer.from(body.seats, 'base64') : undefined;
  } catch {
    return undefined;
  } finally {
    await http.close();
  }
}

/** Every reservation and release that a client was told of is a fact. */
function journalsKeep(history: History, sweeps: readonly Sweep[]): string[] {
  const held = new Set(sweeps.flatMap((sweep) => [...sweep.held]));
  const released = new Set(sweeps.flatMap((sweep) => [...sweep.released]));
  const lost = new Set<string>();
  for (const { ops } of history.seats()) {
    for (const { k, h = '' } of ops) {
      if (k === 'hold' && !held.has(h)) lost.add(`${h} was granted, the journal has no such hold`);
      if (k === 'release' && !released.has(h)) lost.add(`${h} was released, the journal has not`);
    }
  }
  return [...lost];
}

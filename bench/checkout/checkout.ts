import { MongoClient } from 'mongodb';
import { freePort } from '#adapters/machine/ports.ts';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { type Bought, buy, type Cart, fillCarts, now } from '#bench/checkout/buyers.ts';
import { type CpuSpent, cpuSpent, spentEach } from '#bench/checkout/cpu-spent.ts';
import {
  covered,
  type Provider,
  spansByBooking,
  startProvider,
  type Taken,
} from '#bench/checkout/provider.ts';
import { type System, startSingle } from '#bench/path/systems.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvent } from '#bench/support/organizer.ts';
import type { Bar, Figures, Row } from '#bench/support/results.ts';
import { Samples, spread } from '#bench/support/stats.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';

export type CheckoutOptions = { readonly runs: number; readonly seconds: number };

/**
 * The provider of the bar. Half of its answers take less than 400 ms, one in a hundred more than
 * 800; one request in a hundred happens but is not answered, another fails with a 500.
 */
const provider: FaultSettings = {
  latencyMs: { p50: 400, p99: 800 },
  rules: [
    { kind: 'timeout', after: true, share: 0.01 },
    { kind: 'error', share: 0.01 },
  ],
};

const rate = 500;
/** A rate at which no core is short: what a checkout takes by itself. */
const lightRate = 100;
/** Buyers at once in the closed loop, and at most that many carts a second. */
const width = 1_536;
const closedMaxPerSecond = 1_500;
const connections = 4_096;
const webhookSecret = 'whsec_bench';

/** Of the rate of the closed loop before it: what a system is run at. */
const share = 0.7;

const names = {
  closed: `closed loop, ${width} buyers`,
  open: `open loop, ${rate}/s`,
  own: `open loop, ${rate}/s, own share`,
  light: `open loop, ${lightRate}/s`,
  lightOwn: `open loop, ${lightRate}/s, own share`,
  calm: `open loop, ${100 * share} % of the most`,
  calmOwn: `open loop, ${100 * share} % of the most, own share`,
} as const;
const bars: readonly Bar[] = [
  { id: 'P4', what: 'checkouts/s', rows: [names.closed], least: rate },
  { id: 'P4', what: 'ms to tickets', figure: 'p99Ms', rows: [names.open], most: 2_000 },
  { id: 'P4', what: 'ms of our own', figure: 'p99Ms', rows: [names.own], most: 150 },
];

type Sample = { readonly totalMs: number; readonly ownMs: number };
type Run = {
  readonly perSecond: number;
  readonly samples: readonly Sample[];
  /** For each checkout. */
  readonly cpu: CpuSpent;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly findings: readonly string[];
};
type Purchase = Bought & { readonly from: number };
type Bench = { readonly system: System; readonly provider: Provider };

/**
 * Checkout to confirmed booking through HTTP on one event, with the provider in a process of its
 * own. The event is verified after every run.
 */
export async function measureCheckout(options: CheckoutOptions): Promise<Figures> {
  const bench = await start();
  const runs = new Map<string, Run[]>();
  try {
    for (let round = 0; round <= options.runs; round++) {
      let most = rate;
      for (const name of [names.closed, names.open, names.calm, names.light]) {
        const perSecond = rateOf(name, most);
        const run = await measureOnce(bench, name, options.seconds, perSecond);
        if (name === names.closed) most = run.perSecond;
        console.log(`${name}, ${round === 0 ? 'warm-up' : `run ${round}`}: ${describe(run)}`);
        if (round > 0) runs.set(name, [...(runs.get(name) ?? []), run]);
      }
    }
  } finally {
    await bench.system.stop();
    await bench.provider.stop();
  }
  const closed = runs.get(names.closed) ?? [];
  const open = runs.get(names.open) ?? [];
  const calm = runs.get(names.calm) ?? [];
  const light = runs.get(names.light) ?? [];
  return {
    suite: 'checkout',
    settings: { ...options, rate, lightRate, share, width, provider },
    rows: [
      rowOf(names.closed, closed, ({ totalMs }) => totalMs),
      rowOf(names.open, open, ({ totalMs }) => totalMs),
      rowOf(names.own, open, ({ ownMs }) => ownMs),
      rowOf(names.calm, calm, ({ totalMs }) => totalMs),
      rowOf(names.calmOwn, calm, ({ ownMs }) => ownMs),
      rowOf(names.light, light, ({ totalMs }) => totalMs),
      rowOf(names.lightOwn, light, ({ ownMs }) => ownMs),
    ],
    bars,
    generator: 'closed and open loop; load and provider in processes of their own, same cores',
  };
}

/** What an open loop asks for, after a closed one that reached `most`. */
function rateOf(name: string, most: number): number {
  if (name === names.calm) return Math.round(most * share);
  return name === names.light ? lightRate : rate;
}

/** The provider listens where Usher was told that it will, and knows Usher's address. */
async function start(): Promise<Bench> {
  const port = await freePort();
  const system = await startSingle({
    STRIPE_SECRET_KEY: 'sk_test_bench',
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_BASE: `http://127.0.0.1:${port}`,
  });
  const [gateway] = system.gateways;
  const webhookUrl = `http://${gateway?.host}:${gateway?.port}/v1/payments/stripe/webhook`;
  const settings = { port, webhookUrl, webhookSecret, faults: provider };
  return { system, provider: await startProvider(settings) };
}

/** `perSecond` is what an open loop asks for. */
async function measureOnce(
  bench: Bench,
  name: string,
  seconds: number,
  perSecond: number,
): Promise<Run> {
  const { system } = bench;
  const http = new HttpClient(
    system.gateways.map(({ host, port }) => `http://${host}:${port}`),
    connections,
    60_000,
  );
  const client = new MongoClient(system.mongodbUri);
  try {
    const closed = name === names.closed;
    const count = closed ? closedMaxPerSecond * seconds + width : perSecond * seconds;
    const eventId = await stageEvent(http, { title: name, plan: seatGrid(count) });
    const carts = await fillCarts(http, system.mongodbUri, eventId, count);
    const before = await cpuSpent(system, client, (await bench.provider.take()).cpuSeconds);
    const from = now();
    const bought = closed
      ? await closedLoop(http, carts, from + seconds * 1_000)
      : await openLoop(http, carts, perSecond);
    const taken = await bench.provider.take();
    const after = await cpuSpent(system, client, taken.cpuSeconds);
    const findings = await findingsOf(client, eventId, bought);
    const cpu = spentEach(before, after, bought.length);
    return runOf(bought, { taken, cpu, findings, from, seconds });
  } finally {
    await http.close();
    await client.close();
  }
}

/** One checkout every `1 / perSecond` seconds, whatever became of those before. */
async function openLoop(
  http: HttpClient,
  carts: readonly Cart[],
  perSecond: number,
): Promise<Purchase[]> {
  const start = now();
  const running: Promise<Purchase>[] = [];
  while (running.length < carts.length) {
    const due = Math.min(carts.length, Math.floor(((now() - start) * perSecond) / 1_000) + 1);
    while (running.length < due) {
      // From when it should have begun, so that a late start counts against the system.
      const from = start + (running.length * 1_000) / perSecond;
      const cart = carts[running.length] as Cart;
      running.push(buy(http, cart).then((bought) => ({ ...bought, from })));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return Promise.all(running);
}

/** Each of `width` buyers begins the next checkout when the last one has ended. */
async function closedLoop(
  http: HttpClient,
  carts: readonly Cart[],
  until: number,
): Promise<Purchase[]> {
  const bought: Purchase[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (now() < until && next < carts.length) {
      const from = now();
      bought.push({ ...(await buy(http, carts[next++] as Cart)), from });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return bought;
}

async function findingsOf(
  client: MongoClient,
  eventId: string,
  bought: readonly Purchase[],
): Promise<string[]> {
  const report = await verifyEvent(client.db(), eventId, { settled: true });
  const told = bought.flatMap(({ outcome, bookingId }) =>
    outcome === 'confirmed' ? (bookingId ?? []) : [],
  );
  const kept = await client
    .db()
    .collection<{ _id: string; status: string }>('bookings')
    .countDocuments({ _id: { $in: told }, status: 'confirmed' });
  return [
    ...report.findings.map((finding) => JSON.stringify(finding)),
    ...(report.settled ? [] : ['still under way']),
    ...(kept === told.length
      ? []
      : [`${told.length} buyers were told of tickets, ${kept} bookings have them`]),
  ];
}

type Circumstances = {
  readonly taken: Taken;
  readonly cpu: CpuSpent;
  readonly findings: readonly string[];
  readonly from: number;
  readonly seconds: number;
};

/** The rate counts what was confirmed within the run's time, after the first buyers came through. */
function runOf(bought: readonly Purchase[], around: Circumstances): Run {
  const spans = spansByBooking(around.taken);
  const confirmed = bought.filter(({ outcome }) => outcome === 'confirmed');
  const end = around.from + around.seconds * 1_000;
  const first = Math.min(...confirmed.map(({ at }) => at));
  const within = confirmed.filter(({ at }) => at <= end).length;
  const outcomes: Record<string, number> = {};
  for (const { outcome } of bought) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  return {
    perSecond: (within * 1_000) / (end - first),
    samples: confirmed.map(({ bookingId = '', from, at }) => ({
      totalMs: at - from,
      ownMs: at - from - covered(spans.get(bookingId) ?? [], from, at),
    })),
    cpu: around.cpu,
    outcomes,
    findings: around.findings,
  };
}

function samplesOf(run: Run, pick: (sample: Sample) => number): Samples {
  const samples = new Samples();
  for (const sample of run.samples) samples.add(pick(sample));
  return samples;
}

function rowOf(name: string, runs: readonly Run[], pick: (sample: Sample) => number): Row {
  const all = runs.map((run) => samplesOf(run, pick));
  return {
    name,
    perSecond: spread(runs.map((run) => run.perSecond)),
    p50Ms: spread(all.map((samples) => samples.quantile(0.5))),
    p99Ms: spread(all.map((samples) => samples.quantile(0.99))),
    figures: {
      cpuMs: spread(runs.map(({ cpu }) => cpu.usher)),
      mongodCpuMs: spread(runs.map(({ cpu }) => cpu.mongod)),
    },
    honest: runs.every(({ findings }) => findings.length === 0),
  };
}

function describe(run: Run): string {
  const total = samplesOf(run, ({ totalMs }) => totalMs);
  const own = samplesOf(run, ({ ownMs }) => ownMs);
  const both = (s: Samples): string =>
    `p50 ${s.quantile(0.5).toFixed(0)} ms, p99 ${s.quantile(0.99).toFixed(0)} ms`;
  const text =
    `${run.perSecond.toFixed(0)}/s, ${both(total)}, own share ${both(own)}, ` +
    `CPU ${run.cpu.usher.toFixed(2)} ms each, MongoDB's ${run.cpu.mongod.toFixed(2)} ms, ` +
    `provider's ${run.cpu.provider.toFixed(2)} ms, generator's ${run.cpu.generator.toFixed(2)} ms, ` +
    JSON.stringify(run.outcomes);
  return run.findings.length === 0
    ? text
    : `${text}\n  does not add up: ${run.findings.slice(0, 5).join('; ')}`;
}

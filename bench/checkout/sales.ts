import { type Db, MongoClient } from 'mongodb';
import { createHost, type Host } from '#actors/host.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import { MongoBookings, prepareBookings } from '#adapters/store/bookings.ts';
import { InstantProvider } from '#bench/checkout/instant-provider.ts';
import { databaseUri } from '#bench/path/systems.ts';
import { floorTerms, holdOf } from '#bench/support/event-host.ts';
import type { Bar, Figures } from '#bench/support/results.ts';
import { Samples, spread } from '#bench/support/stats.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import { openBooking, opening } from '#domain/booking-moves.ts';
import { type ErrorCode, UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import type {
  Command,
  CommandKind,
  CommandOf,
  HoldView,
  ReplyOf,
} from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { BookingWorker } from '#flows/booking.worker.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';

export type SalesOptions = {
  readonly runs: number;
  readonly seconds: number;
  /** Is told when the load of a run begins and when it is over, such as a profiler. */
  readonly onLoad?: (state: 'begins' | 'ended') => Promise<void>;
};

const width = 1_024;
const salesMaxPerSecond = 6_000;
const holdsAtOnce = 512;
const callMs = 60_000;
const bar: Bar = { id: 'P1', what: 'sales/s on one event', least: 3_000 };

type Run = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
  readonly findings: readonly string[];
};

/**
 * Paid bookings of one event from hold to confirmed: the event actor on its journal, the flow with
 * all its steps, tickets, ledger and messages on real MongoDB, in one process; the payment provider
 * answers at once. The event is verified after every run.
 */
export async function measureSales(options: SalesOptions): Promise<Figures> {
  const { runs, seconds } = options;
  const uri = databaseUri('sales');
  const client = new MongoClient(uri, { writeConcern: { w: 'majority', journal: true } });
  const list: Run[] = [];
  try {
    const db = client.db();
    await Promise.all([prepareInventory(db), prepareBookings(db)]);
    for (let round = 0; round <= runs; round++) {
      const run = await measureOnce(db, options);
      console.log(`sales, ${round === 0 ? 'warm-up' : `run ${round}`}: ${describe(run)}`);
      if (round > 0) list.push(run);
    }
    await db.dropDatabase();
  } finally {
    await client.close();
  }
  const row = {
    name: 'sales with booking and tickets',
    perSecond: spread(list.map((r) => r.perSecond)),
    p50Ms: spread(list.map((r) => r.p50Ms)),
    p99Ms: spread(list.map((r) => r.p99Ms)),
    figures: { cpuMsPerSale: spread(list.map((r) => r.cpuMs)) },
    honest: list.every(({ findings }) => findings.length === 0),
  };
  return { suite: 'sales', settings: { runs, seconds, width }, rows: [row], bars: [bar] };
}

async function measureOnce(db: Db, { seconds, onLoad }: SalesOptions): Promise<Run> {
  const host = await startHost(db);
  try {
    const eventId = makeId('event', systemIds.ulid());
    const count = salesMaxPerSecond * seconds;
    const holds = await openWithHolds(host, eventId, Math.min(count, limits.chartPlacesMax));
    const provider = new InstantProvider();
    await onLoad?.('begins');
    const measured = await sellAll(db, host, holds, provider, seconds);
    await onLoad?.('ended');
    const records = provider.records;
    if (records.length > 0) await db.collection<{ _id: string }>('payments').insertMany(records);
    await db.collection('bookings_outbox').updateMany({ eventId }, { $set: { state: 'done' } });
    const report = await verifyEvent(db, eventId);
    const findings = report.findings.map((finding) => JSON.stringify(finding));
    const kept = report.figures['bookings confirmed'];
    if (kept !== measured.sold) findings.push(`${measured.sold} sold, ${kept} confirmed`);
    return { ...measured, findings };
  } finally {
    host.abandon();
  }
}

async function startHost(db: Db): Promise<Host> {
  const host = createHost({
    nodeId: `bench-${systemIds.ulid()}`,
    clock: systemClock,
    ids: systemIds,
    ...createMongoInventory(db, limits, systemClock),
    limits,
    publish: () => {},
    report: (problem, data) => console.error(problem, data),
  });
  await host.start();
  return host;
}

/** `width` bookings are under way at any time; each begins with its hold and ends confirmed. */
async function sellAll(
  db: Db,
  host: Host,
  holds: readonly HoldView[],
  payments: InstantProvider,
  seconds: number,
) {
  const store = new MongoBookings(db, systemClock);
  const ended = new Map<string, () => void>();
  const watcher = {
    changed: (_: unknown, { bookingId, status }: { bookingId: string; status: string }) => {
      if (status === 'confirmed') ended.get(bookingId)?.();
    },
    trouble: (_: unknown, error: unknown) => console.error(error),
    alarm: (about: unknown) => console.error('alarm', about),
  };
  const ports = { store, inventory: portTo(host), payments, clock: systemClock, ids: systemIds };
  const worker = new BookingWorker({ ...ports, watcher });
  const latency = new Samples();
  const cpu = process.cpuUsage();
  const started = performance.now();
  const until = started + seconds * 1_000;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < until && next < holds.length) {
      const begun = performance.now();
      const hold = holds[next++] as HoldView;
      const bookingId = makeScopedId('booking', hold.eventId, systemIds.ulid());
      const token = 'pm_card_visa';
      const wish = { key: bookingId, token, equalSeats: false, attendees: [] };
      const booking = opening(openBooking(bookingId, hold, wish, undefined, Date.now()));
      const { promise, resolve } = Promise.withResolvers<void>();
      ended.set(bookingId, resolve);
      await store.insert(booking);
      worker.run(booking);
      await promise;
      latency.add(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  const spent = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  await worker.idle();
  return {
    sold: latency.count,
    perSecond: (latency.count * 1_000) / spent,
    p50Ms: latency.quantile(0.5),
    p99Ms: latency.quantile(0.99),
    cpuMs: (user + system) / 1_000 / latency.count,
  };
}

/** The commands of a tick travel together, as they do over the network. */
function portTo(host: Host): InventoryPort {
  type Waiting = { command: Command; resolve: (value: never) => void; reject: (e: Error) => void };
  let waiting: Waiting[] = [];
  const send = async (): Promise<void> => {
    await systemClock.tick();
    const sent = waiting;
    waiting = [];
    const eventId = sent[0]?.command.eventId ?? '';
    const replies = await host.execute(
      eventId,
      sent.map(({ command }) => command),
    );
    sent.forEach(({ resolve, reject }, i) => {
      const reply = replies[i];
      if (reply?.ok) resolve(reply.value as never);
      else reject(new UsherError((reply?.code ?? 'internal') as ErrorCode));
    });
  };
  return {
    execute: <K extends CommandKind>(command: CommandOf<K>) =>
      new Promise<ReplyOf<K>>((resolve, reject) => {
        waiting.push({ command: command as Command, resolve, reject });
        if (waiting.length === 1) void send();
      }),
  };
}

/** Opens an event with `count` seats and puts each of them on hold. */
async function openWithHolds(host: Host, eventId: string, count: number): Promise<HoldView[]> {
  const port = portTo(host);
  const open = { kind: 'open', id: 'open', eventId, version: 1, terms: floorTerms(count) } as const;
  for (let attempt = 1; ; attempt++) {
    const opened = await port.execute<'open'>({ ...open, deadline: Date.now() + callMs }).then(
      () => true,
      () => false,
    );
    if (opened) break;
    if (attempt === 100) throw new Error('The event could not be opened.');
    await systemClock.sleep(50);
  }
  const holds: HoldView[] = [];
  for (let from = 0; from < count; from += holdsAtOnce) {
    const seats = Array.from({ length: Math.min(holdsAtOnce, count - from) }, (_, i) => from + i);
    holds.push(
      ...(await Promise.all(seats.map((seat) => port.execute<'hold'>(holdOf(eventId, seat))))),
    );
  }
  return holds;
}

const describe = (run: Run): string =>
  `${run.perSecond.toFixed(0)}/s, p50 ${run.p50Ms.toFixed(0)} ms, p99 ${run.p99Ms.toFixed(0)} ms, ` +
  `${run.cpuMs.toFixed(2)} ms of CPU each` +
  (run.findings.length === 0 ? '' : `\n  does not add up: ${run.findings.slice(0, 3).join('; ')}`);

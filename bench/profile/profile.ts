import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureSales } from '#bench/checkout/sales.ts';
import { eventActor } from '#bench/core/actor-engine.ts';
import { closedLoop } from '#bench/core/closed-loop.ts';
import type { Engine } from '#bench/core/engine.ts';
import { stageRush } from '#bench/path/rush.ts';
import { startSplit } from '#bench/path/systems.ts';
import { flameGraph } from '#bench/profile/flame.ts';
import { profilePage } from '#bench/profile/page.ts';
import { type CpuProfile, type Frame, mergeStacks, type Span } from '#bench/profile/stacks.ts';
import { rawLoad } from '#bench/support/raw-load.ts';
import { where } from '#bench/support/results.ts';

type ProfileOptions = {
  readonly seconds: number;
  readonly connections: number;
  readonly seats: number;
};

/** The main thread of one process under a load. */
export type Profiled = {
  readonly name: string;
  readonly load: string;
  /** Part of the time in which the thread was not idle. */
  readonly busy: number;
  readonly stacks: Frame;
};

const folder = new URL('../../docs/profiles/', import.meta.url);
/** The first nodes of the cluster; the others have next to nothing to do. */
const roles = ['gateway', 'inventory'] as const;
const warmUpSeconds = 3;
const actorCallers = 1_024;
const actorSeats = 120_000;

/**
 * Profiles the nodes of the cluster under reservations through HTTP, the event actor on its journal
 * and the flow of bookings, once each, and writes `docs/profiles/`: a flame graph of each and what they have in
 * common. Starting, warming up and reading back are not in the profiles.
 */
export async function measureProfile(options: ProfileOptions): Promise<undefined> {
  const loadBefore = loadavg()[0] ?? 0;
  const profiles = [
    ...(await profileCluster(options)),
    await profileActor(options.seconds),
    await profileSales(options.seconds),
  ];
  mkdirSync(folder, { recursive: true });
  for (const { name, load, stacks } of profiles) {
    writeFileSync(new URL(`${name}.svg`, folder), flameGraph(stacks, `${name}: ${load}`));
  }
  writeFileSync(new URL('README.md', folder), profilePage(profiles, where(), loadBefore));
  console.log(`docs/profiles: ${profiles.map(({ name }) => `${name}.svg`).join(', ')}, README.md`);
}

/** Profiles count on the monotonic clock, in µs. */
const nowMicros = (): number => Number(process.hrtime.bigint() / 1_000n);

function profiled(name: string, load: string, profile: CpuProfile, span: Span): Profiled {
  const stacks = mergeStacks(profile, span);
  return { name, load, busy: stacks.total / (span.to - span.from), stacks };
}

async function profileCluster(options: ProfileOptions): Promise<readonly Profiled[]> {
  const written = mkdtempSync(join(tmpdir(), 'usher-profile-'));
  try {
    const system = await startSplit({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${written}` });
    let span: Span;
    let load: string;
    try {
      const rush = await stageRush(system, options.seats, options.seats);
      const from = nowMicros() + warmUpSeconds * 1_000_000;
      const { statuses, seconds } = await rawLoad({
        targets: system.gateways,
        connections: options.connections,
        seconds: warmUpSeconds + options.seconds,
        next: rush.next,
      });
      span = { from, to: nowMicros() };
      if (span.to <= from) throw new Error('The seats were gone before the profile began.');
      const rate = ((statuses.get(200) ?? 0) / seconds).toFixed(0);
      load = `${options.connections} connections reserving through HTTP, ${rate}/s accepted`;
      await rush.reserved();
    } finally {
      // The nodes write their profiles as they end.
      await system.stop();
    }
    return roles.map((role, i) => {
      const profile = readProfile(written, system.pids[i]);
      return profiled(`path-${role}`, load, profile, span);
    });
  } finally {
    rmSync(written, { recursive: true, force: true });
  }
}

/** Of the process's main thread, which is number 0 in the file's name. */
function readProfile(written: string, pid: number | undefined): CpuProfile {
  const file = readdirSync(written).find((name) => name.includes(`.${pid}.0.`));
  if (file === undefined) throw new Error(`Process ${pid} has left no profile.`);
  return JSON.parse(readFileSync(join(written, file), 'utf8')) as CpuProfile;
}

/** The actor lives in this process: profiled beside its callers, from first to last hold. */
async function profileActor(seconds: number): Promise<Profiled> {
  const engine = await eventActor(process.env.USHER_TEST_MONGODB_URI ?? '', async () => {});
  const profiler = await ownProfiler();
  try {
    const measured: Engine = {
      ...engine,
      async prepare(seats, orders) {
        await engine.prepare(seats, orders);
        await profiler.begin();
      },
      async count() {
        await profiler.end();
        return engine.count();
      },
    };
    const run = await closedLoop(measured, { width: actorCallers, seconds, seats: actorSeats });
    const load = `${actorCallers} callers in its process, ${run.perSecond.toFixed(0)} holds/s`;
    return profiler.last('core-actor', load);
  } finally {
    profiler.close();
    await engine.close();
  }
}

/** A core node's flow of bookings, which lives in this process with the event's actor. */
async function profileSales(seconds: number): Promise<Profiled> {
  const profiler = await ownProfiler();
  try {
    const onLoad = (state: 'begins' | 'ended') =>
      state === 'begins' ? profiler.begin() : profiler.end();
    const { rows } = await measureSales({ runs: 1, seconds, onLoad });
    const rate = rows[0]?.perSecond?.median.toFixed(0);
    return profiler.last('sales', `bookings from hold to confirmed, ${rate} sales/s`);
  } finally {
    profiler.close();
  }
}

/** Profiles this process, as often as it is begun and ended; the last profile counts. */
async function ownProfiler() {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  let profile: CpuProfile | undefined;
  return {
    begin: () => session.post('Profiler.start'),
    async end(): Promise<void> {
      profile = (await session.post('Profiler.stop')).profile as CpuProfile;
    },
    last(name: string, load: string): Profiled {
      if (profile === undefined) throw new Error('The profiler gave no profile.');
      return profiled(name, load, profile, { from: profile.startTime, to: profile.endTime });
    },
    close: () => session.disconnect(),
  };
}

import { parseArgs } from 'node:util';
import { measureCheckout } from '#bench/checkout/checkout.ts';
import { measureSales } from '#bench/checkout/sales.ts';
import { measureCore } from '#bench/core/core.ts';
import { measureFailover } from '#bench/failover/failover.ts';
import { measurePath } from '#bench/path/path.ts';
import { measureProfile } from '#bench/profile/profile.ts';
import { writeDocument } from '#bench/report/document.ts';
import { writePage } from '#bench/report/page.ts';
import { readResults } from '#bench/report/results.ts';
import { measureRestart } from '#bench/restart/restart.ts';
import { measureSoak } from '#bench/soak/soak.ts';
import { type Figures, mongodCacheGb, shortfalls, store } from '#bench/support/results.ts';
import { measureTail } from '#bench/tail/tail.ts';
import { startServers } from '#test/support/start-servers.ts';

const usage = `npm run bench -- [suite …] [options]
  path             reservations through HTTP, single process and cluster (default)
  tail             the same at 70 % and 300 % of the most, at a constant rate
  core             the event actor beside five other ways to reserve a seat
  checkout         checkouts to confirmed bookings, with a slow and faulty payment provider
  sales            paid bookings of one event with a provider that answers at once
  failover         a cluster whose nodes are killed, paused, join, drain and restart
  restart          a large event on another host, many small events on one
  soak             memory of one node over --minutes M (30); not part of --all
  profile          flame graphs of gateway, inventory node, event actor and sales, into
                   docs/profiles; not part of --all
  --all            every other suite
  --report         only the page bench/results/report.html, from the results there are
  --docs           only the figures of docs/performance.md, from the results there are
  --runs N         counted runs of each (5)
  --seconds S      length of a run (6)
  --connections N  connections of the load generator (256)
  --seats N        seats of the hot event (60000)
For figures of a two-core machine on a larger one: taskset -c 0,1 npm run bench`;

/** Suites that only run when they are named. */
const onlyNamed = ['soak', 'profile'];

const suites: Readonly<Record<string, (numbers: Numbers) => Promise<Figures | undefined>>> = {
  path: measurePath,
  tail: measureTail,
  core: measureCore,
  checkout: measureCheckout,
  sales: measureSales,
  failover: measureFailover,
  restart: measureRestart,
  soak: measureSoak,
  profile: measureProfile,
};

type Numbers = {
  minutes: number;
  runs: number;
  seconds: number;
  connections: number;
  seats: number;
};

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '30' },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '6' },
      connections: { type: 'string', default: '256' },
      seats: { type: 'string', default: '60000' },
      report: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const number = (
    name: 'minutes' | 'runs' | 'seconds' | 'connections' | 'seats',
    max: number,
  ): number => {
    const given = Number(values[name]);
    if (Number.isInteger(given) && given >= 1 && given <= max) return given;
    throw new Error(`--${name} must be a whole number from 1 to ${max}.`);
  };
  const every = Object.keys(suites).filter((name) => !onlyNamed.includes(name));
  const names = values.all ? every : positionals.length > 0 ? positionals : ['path'];
  const unknown = names.find((name) => suites[name] === undefined);
  if (unknown !== undefined) throw new Error(`There is no suite "${unknown}".\n${usage}`);
  return {
    names,
    only: values.report ? 'page' : values.docs ? 'document' : undefined,
    numbers: {
      minutes: number('minutes', 24 * 60),
      runs: number('runs', 100),
      seconds: number('seconds', 600),
      connections: number('connections', 10_000),
      seats: number('seats', 120_000),
    },
  };
}

async function measure(names: readonly string[], numbers: Numbers): Promise<void> {
  const stops = await startServers(undefined, mongodCacheGb);
  try {
    for (const name of names) {
      const figures = await suites[name]?.(numbers);
      if (figures !== undefined) store(figures);
    }
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
}

/** Whatever the results of these suites miss makes the command fail. */
function judge(results: readonly Figures[]): void {
  for (const sentence of results.flatMap(shortfalls)) {
    console.log(sentence);
    process.exitCode = 1;
  }
}

try {
  const { names, numbers, only } = options();
  if (only === undefined) await measure(names, numbers);
  const results = readResults();
  if (only === 'document') writeDocument(results);
  else writePage(results);
  judge(only === undefined ? results.filter(({ suite }) => names.includes(suite)) : results);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

import { parseArgs } from 'node:util';
import { measureCore } from '#bench/core/core.ts';
import { measurePath } from '#bench/path/path.ts';
import { type Figures, shortfalls, store } from '#bench/support/results.ts';
import { startServers } from '#test/support/start-servers.ts';

const usage = `npm run bench -- [suite …] [options]
  path             reservations through HTTP, single process and cluster (default)
  core             the event actor beside five other ways to reserve a seat
  --all            every suite
  --runs N         counted runs of each (5)
  --seconds S      length of a run (6)
  --connections N  connections of the load generator (128)
  --seats N        seats of the hot event (60000)
For figures of a two-core machine on a larger one: taskset -c 0,1 npm run bench`;

const suites: Readonly<Record<string, (numbers: Numbers) => Promise<Figures>>> = {
  path: measurePath,
  core: measureCore,
};

type Numbers = { runs: number; seconds: number; connections: number; seats: number };

function options(): { names: string[]; numbers: Numbers } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '6' },
      connections: { type: 'string', default: '128' },
      seats: { type: 'string', default: '60000' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const number = (name: 'runs' | 'seconds' | 'connections' | 'seats', max: number): number => {
    const given = Number(values[name]);
    if (Number.isInteger(given) && given >= 1 && given <= max) return given;
    throw new Error(`--${name} must be a whole number from 1 to ${max}.`);
  };
  const names = values.all ? Object.keys(suites) : positionals.length > 0 ? positionals : ['path'];
  const unknown = names.find((name) => suites[name] === undefined);
  if (unknown !== undefined) throw new Error(`There is no suite "${unknown}".\n${usage}`);
  return {
    names,
    numbers: {
      runs: number('runs', 100),
      seconds: number('seconds', 600),
      connections: number('connections', 10_000),
      seats: number('seats', 120_000),
    },
  };
}

try {
  const { names, numbers } = options();
  const stops = await startServers();
  try {
    for (const name of names) {
      const figures = await (suites[name] as (n: Numbers) => Promise<Figures>)(numbers);
      store(figures);
      for (const sentence of shortfalls(figures)) {
        console.log(sentence);
        process.exitCode = 1;
      }
    }
  } finally {
    await Promise.all(stops.map((stop) => stop()));
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

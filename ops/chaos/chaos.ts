import { parseArgs } from 'node:util';
import { writeRun } from '#ops/chaos/document.ts';
import { allFaults } from '#ops/chaos/faults.ts';
import { lines, readReport, shortfalls, storeReport } from '#ops/chaos/report.ts';
import { runChaos } from '#ops/chaos/run.ts';

/** `npm run chaos`: a crowd, a real cluster, and everything that can happen to it. */
const usage = `npm run chaos -- [options]
  --minutes <n>    how long faults fire (3)
  --seed <n>       of the schedule of faults (from the clock)
  --faults <list>  only these, with commas between: ${allFaults.map(({ name }) => name).join(', ')}
  --clients <n>    at the same time (320)   --payers <n> of them, who also pay (12)
  --gateways <n>   (2)   --inventory <n> (3)   --core <n> (2)   --workers <n> (1)
  --docs           only the section "A run" of docs/chaos.md, from the report of the last run
Ends with 0 when all holds, 1 after a violation, 2 when only a bar of speed is missed.`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    clients: { type: 'string', default: '320' },
    payers: { type: 'string', default: '12' },
    gateways: { type: 'string', default: '2' },
    inventory: { type: 'string', default: '3' },
    core: { type: 'string', default: '2' },
    workers: { type: 'string', default: '1' },
    docs: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const cleanUp = new AsyncDisposableStack();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      console.log('Broken off: removing everything …');
      const remove = cleanUp.disposeAsync().catch((error: Error) => console.error(error.message));
      void remove.finally(() => process.exit(130));
    });
  }
  const began = Date.now();
  const seed = Number(values.seed ?? began % 1_000_000);
  console.log(`Chaos for ${values.minutes} minutes, seed ${seed}`);
  try {
    const report = await runChaos({
      seconds: Number(values.minutes) * 60,
      seed,
      ...(values.faults === undefined ? {} : { faults: values.faults.split(',') }),
      counts: {
        gateway: Number(values.gateways),
        inventory: Number(values.inventory),
        core: Number(values.core),
        worker: Number(values.workers),
      },
      events: 4,
      seatsPerEvent: 500,
      clients: Number(values.clients),
      payers: Number(values.payers),
      quietMs: [1_500, 5_000],
      cleanUp,
      say: (line) =>
        console.log(`${((Date.now() - began) / 1_000).toFixed(1).padStart(7)} ${line}`),
    });
    console.log(`\n${lines(report).join('\n')}`);
    storeReport(report);
    if (report.violations.length > 0) return 1;
    return shortfalls(report).length > 0 ? 2 : 0;
  } finally {
    await cleanUp.disposeAsync();
  }
}

if (values.help) {
  console.log(usage);
} else if (values.docs) {
  writeRun(readReport());
} else {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return 3;
  });
}

import { parentPort } from 'node:worker_threads';
import { runSeed } from '#test/simulation/world.ts';

/** Runs the seeds it is told, one at a time. */
parentPort?.on('message', async ({ seed, twice }: { seed: number; twice: boolean }) => {
  const outcome = await runSeed(seed);
  const same = !twice || (await runSeed(seed)).digest === outcome.digest;
  parentPort?.postMessage({ outcome, same });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Result } from '#bench/support/results.ts';

export const resultsFolder = new URL('../results/', import.meta.url);

/** Results of another kind, with a document of their own (docs/chaos.md). */
export const otherResults: readonly string[] = ['chaos'];

/** Every suite's result in `bench/results/`, by suite. Throws when a file cannot be read as JSON. */
export function readResults(): Result[] {
  if (!existsSync(resultsFolder)) return [];
  return readdirSync(resultsFolder)
    .filter((name) => name.endsWith('.json') && !otherResults.includes(name.slice(0, -5)))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, resultsFolder), 'utf8')) as Result);
}

/** How and where a result was measured, in one sentence. */
export function circumstances({ at, commit, machine, node, durability, generator }: Result) {
  return (
    `${at.slice(0, 10)}, commit ${commit}, ${machine.cores} cores of ${machine.cpu}, ` +
    `${machine.memoryGb} GB, Node ${node.replace('v', '')}; ${durability}; ${generator}.`
  );
}

import type { MongoClient } from 'mongodb';
import type { System } from '#bench/path/systems.ts';
import { cpuSeconds } from '#bench/support/cpu.ts';

/** Milliseconds of CPU time, so far or for each checkout; 0 where the system does not tell. */
export type CpuSpent = {
  readonly usher: number;
  readonly mongod: number;
  readonly provider: number;
  readonly generator: number;
};

type TimesInfo = {
  readonly extra_info?: { readonly user_time_us?: number; readonly system_time_us?: number };
};

/** What each part has used; MongoDB says so itself, the provider has been asked. */
export async function cpuSpent(
  { pids }: System,
  client: MongoClient,
  providerSeconds: number,
): Promise<CpuSpent> {
  const status = (await client.db('admin').command({ serverStatus: 1 })) as TimesInfo;
  const { user_time_us = 0, system_time_us = 0 } = status.extra_info ?? {};
  const { user, system } = process.cpuUsage();
  return {
    usher: (cpuSeconds(pids) ?? 0) * 1_000,
    mongod: (Number(user_time_us) + Number(system_time_us)) / 1_000,
    provider: providerSeconds * 1_000,
    generator: (user + system) / 1_000,
  };
}

/** What was used between two looks, for each of `count`. */
export function spentEach(before: CpuSpent, after: CpuSpent, count: number): CpuSpent {
  const each = (part: keyof CpuSpent): number => (after[part] - before[part]) / count;
  return {
    usher: each('usher'),
    mongod: each('mongod'),
    provider: each('provider'),
    generator: each('generator'),
  };
}

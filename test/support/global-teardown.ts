/** After the last test file: stops what the set-up started. */
export default async function globalTeardown(): Promise<void> {
  const { usherStopServers } = globalThis as { usherStopServers?: Array<() => Promise<void>> };
  await Promise.all((usherStopServers ?? []).map((stop) => stop()));
}

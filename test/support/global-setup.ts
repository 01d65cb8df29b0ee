import { startServers } from './start-servers.ts';

/** Before the first test file: one mongod, NATS and Redis for the whole run. */
export default async function globalSetup(): Promise<void> {
  const stops = await startServers();
  Object.assign(globalThis, { usherStopServers: stops });
}

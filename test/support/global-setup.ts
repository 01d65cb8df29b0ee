import { startServers } from './start-servers.ts';

/** Before the first test file: one mongod and NATS for the whole run. */
export default async function globalSetup(): Promise<void> {
  const stops = await startServers(['USHER_TEST_MONGODB_URI', 'USHER_TEST_NATS_URL']);
  Object.assign(globalThis, { usherStopServers: stops });
}

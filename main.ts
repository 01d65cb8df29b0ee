import type { ServiceBroker } from 'moleculer';
import { systemClock as clock } from '#adapters/clock/system.ts';
import { systemIds as ids } from '#adapters/ids/system.ts';
import { allRoles, type Config, withDatabase, withStripe } from '#config/config.ts';
import { loadConfig } from '#config/load.ts';
import { openDemo } from '#start/demo.ts';
import { drainNode, startNode } from '#start/node.ts';
import { awaitNats, claimPorts, openMongodb, openSimulator, type Server } from '#start/servers.ts';
import { startLine, startTable } from '#start/table.ts';

type Running = { readonly broker: ServiceBroker; readonly config: Config };

/** Servers of our own, in the order they started. */
const servers: Server[] = [];
const say = (line: string): void => console.log(line);
let ending = false;

async function start(): Promise<Running> {
  const settings = await claimPorts(loadConfig());
  const mongodb = await openMongodb(settings, clock, say);
  servers.push(mongodb);
  await awaitNats(settings, clock);
  const config = await withPayments(withDatabase(settings, mongodb.address));
  const runtime = { config, clock, ids };
  const broker = await startNode(runtime);
  const demo = await openDemo(broker, runtime);
  if (config.env !== 'production' && config.roles.length === allRoles.length) {
    say(startTable(config, mongodb.description, demo));
  } else {
    broker.logger.info(startLine(config, mongodb.description));
  }
  return { broker, config };
}

/** Starts the Stripe simulator where the settings name no Stripe. */
async function withPayments(config: Config): Promise<Config> {
  const simulator = await openSimulator(config);
  if (simulator === undefined) return config;
  servers.push(simulator);
  return withStripe(config, simulator.address);
}

/** Lets a start in progress come to its end, drains, stops our servers and ends the process. */
async function end(reason: string, code: number): Promise<void> {
  if (ending) return;
  ending = true;
  say(`${reason}: draining …`);
  const running = await started.catch(() => undefined);
  const whole =
    running === undefined ||
    (await drainNode(running.broker, running.config.limits.drainMs, clock));
  if (!whole) say('Draining took too long; what still ran was cut off');
  await stopServers();
  process.exit(whole ? code : 1);
}

async function stopServers(): Promise<void> {
  for (const server of servers.toReversed()) await server.stop();
}

function endAtOnce(): void {
  for (const server of servers) server.kill();
  process.exit(1);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => (ending ? endAtOnce() : void end(signal, 0)));
}

// A launcher that started this process with a channel ends it by closing the channel.
process.on('disconnect', () => void end('The launcher is gone', 0));

const started = start();
try {
  await started;
  for (const { ended } of servers) void ended?.then((sentence) => end(sentence, 1));
} catch (error) {
  console.error(`Usher cannot start. ${(error as Error).message}`);
  await stopServers();
  process.exit(1);
}

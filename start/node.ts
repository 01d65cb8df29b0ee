import { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import type { WithActors } from '#mixins/event-actors.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { servicesOf } from '#services/index.ts';
import { moleculerConfig } from '../moleculer.config.ts';

/** Starts a Moleculer node with the services of its roles; resolves when all have started. */
export async function startNode(runtime: Runtime): Promise<ServiceBroker> {
  const broker = new ServiceBroker(moleculerConfig(runtime));
  for (const create of servicesOf(runtime.config.roles)) broker.createService(create(runtime));
  try {
    await broker.start();
    return broker;
  } catch (error) {
    await broker.stop();
    throw explained(error as NodeJS.ErrnoException & { port?: number });
  }
}

/** A port that was still free when it was looked at is a sentence too. */
const explained = (error: NodeJS.ErrnoException & { port?: number }): Error =>
  error.code === 'EADDRINUSE'
    ? new Error(`Port ${error.port} is taken by another program`, { cause: error })
    : error;

/**
 * Stops a node so that nothing it has begun is cut off: the gateway takes no new request and
 * finishes those it has while everything else still runs; inventory hands its events over, while
 * whoever still asks it for one is told where that went; other nodes are told to send no more;
 * running actions finish; services stop. Answers false when this took longer than `drainMs`.
 */
export function drainNode(broker: ServiceBroker, drainMs: number, clock: Clock): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const cancel = clock.after(drainMs, () => late.resolve(false));
  return Promise.race([stopInOrder(broker), late.promise]).finally(cancel);
}

async function stopInOrder(broker: ServiceBroker): Promise<true> {
  const gateway = broker.getLocalService('api');
  if (gateway !== undefined) await broker.destroyService(gateway);
  const inventory = broker.getLocalService('inventory') as Partial<WithActors> | undefined;
  await inventory?.actors?.drain();
  await broker.stop();
  return true;
}

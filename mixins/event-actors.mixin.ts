import type { Service, ServiceSchema } from 'moleculer';
import { createHost, type Host } from '#actors/host.ts';
import { createMongoInventory, prepareInventory } from '#adapters/journal/mongo.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call } from '#broker/call.ts';
import { tellTakesEvents } from '#broker/event-nodes.ts';
import { broadcast } from '#broker/events.ts';
import { natsOf } from '#broker/nats.ts';
import type { Runtime } from '#mixins/runtime.ts';

/** What a service with the mixin has while it runs. */
export type WithActors = { actors: Host };

/**
 * Gives a service `this.actors`, the event actors of this node, on MongoDB and the broker. Stopping
 * hands over every event first. While the database cannot be reached the node keeps its actors and
 * answers `unavailable`.
 */
export function eventActorsMixin(runtime: Runtime): Partial<ServiceSchema> {
  const { config } = runtime;
  const opened: { host?: Host } = {};
  return {
    async started(this: Service) {
      const db = await acquireMongo(config.mongodbUri);
      await prepareInventory(db);
      opened.host = hostOn(this, runtime, createMongoInventory(db, config.limits, runtime.clock));
      Object.assign(this, { actors: opened.host } satisfies WithActors);
      await opened.host.start();
    },
    async stopped() {
      await opened.host?.stop();
      await releaseMongo(config.mongodbUri);
    },
  };
}

function hostOn(
  { broker, logger }: Service,
  { clock, ids, config }: Runtime,
  store: ReturnType<typeof createMongoInventory>,
): Host {
  const askMessages = natsOf(broker);
  const told = (what: string) => (error: Error) => logger.debug(what, { error: error.message });
  return createHost({
    ...store,
    nodeId: config.nodeId,
    clock,
    ids,
    limits: config.limits,
    publish: ({ changes, ...delta }) => {
      const payload = {
        ...delta,
        changes: changes.map(([place, status]): Change => [place, status]),
      };
      broadcast(broker, 'inventory.changed', payload).catch(told('a change was not broadcast'));
    },
    invite: (nodeId, eventId) => {
      call(broker, 'inventory.wake', { eventId }, { nodeID: nodeId }).catch(
        told('the new owner was not woken'),
      );
    },
    ...(askMessages && { askMessages }),
    offeringChanged: (offering) => {
      tellTakesEvents(broker, offering).catch(told('the other nodes were not told'));
      if (offering) logger.info('this node takes events');
      else logger.warn('this node takes no events');
    },
    report: (problem, { error, ...data }) => {
      logger.warn(problem, { ...data, ...(error instanceof Error && { error: error.stack }) });
    },
  });
}

type Change = [number, number];

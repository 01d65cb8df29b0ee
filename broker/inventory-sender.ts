import type { ServiceBroker } from 'moleculer';
import { nodesForEvent } from '#broker/event-nodes.ts';
import type { InventorySender } from '#broker/inventory-client.ts';

/** What is used of the broker's registry, which Moleculer does not type. */
type Endpoints = { endpoints: readonly { id: string; isAvailable: boolean }[] };
type Registry = { getActionEndpoints(action: string): Endpoints | undefined };

/**
 * Sends through Moleculer. Names the node itself, by the same hash order as the placement
 * strategy, because after a silence or `moved` it must know whom it asked.
 */
export function inventorySender(broker: ServiceBroker): InventorySender {
  const registry = broker.registry as unknown as Registry;
  return {
    nodesOf: (eventId) => {
      const all = registry.getActionEndpoints('inventory.execute')?.endpoints ?? [];
      return nodesForEvent(
        eventId,
        all.filter(({ isAvailable }) => isAvailable),
      );
    },
    send: (nodeId, action, params, timeoutMs) =>
      broker.call(`inventory.${action}`, params, {
        nodeID: nodeId,
        timeout: Math.max(1, Math.ceil(timeoutMs)),
        retries: 0,
      }),
  };
}

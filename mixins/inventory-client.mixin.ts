import type { Service, ServiceBroker, ServiceSchema } from 'moleculer';
import { InventoryClient } from '#broker/inventory-client.ts';
import { inventorySender } from '#broker/inventory-sender.ts';
import type { Runtime } from '#mixins/runtime.ts';

const clients = new WeakMap<ServiceBroker, InventoryClient>();

/** The broker's one inventory client, so that all services of a node share messages and bounds. */
export function inventoryClientOf(broker: ServiceBroker, runtime: Runtime): InventoryClient {
  let client = clients.get(broker);
  if (client === undefined) {
    const { clock, ids, config } = runtime;
    client = new InventoryClient(inventorySender(broker), clock, ids, config.limits);
    clients.set(broker, client);
  }
  return client;
}

/** What a service with the mixin has. */
export type WithInventory = { inventory: InventoryClient };

/**
 * Gives a service `this.inventory`, the way to events' actors (`InventoryPort` and `view`). The
 * service need not depend on `inventory`: while no node offers it, commands end as `unavailable`.
 */
export function inventoryClientMixin(runtime: Runtime): Partial<ServiceSchema> {
  return {
    created(this: Service) {
      Object.assign(this, { inventory: inventoryClientOf(this.broker, runtime) });
    },
  };
}

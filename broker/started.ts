import type { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';

const lookEveryMs = 20;

/** What is used of the broker, which Moleculer does not type. */
type Broker = {
  readonly nodeID: string;
  readonly stopping: boolean;
  readonly services: readonly { readonly name: string; readonly fullName: string }[];
  readonly registry: { readonly services: { has(fullName: string, nodeID: string): boolean } };
};

/**
 * For the service `last`, while it starts: resolves when every other service of this node has
 * started, or after `waitMs`. Rejects when the node stops meanwhile.
 */
export async function othersStarted(
  broker: ServiceBroker,
  last: string,
  clock: Clock,
  waitMs: number,
): Promise<void> {
  const node = broker as unknown as Broker;
  const deadline = clock.monotonic() + waitMs;
  while (clock.monotonic() < deadline) {
    if (node.stopping) throw new Error(`Stopped before ${last} could start`);
    const others = node.services.filter(({ name }) => name !== last && !name.startsWith('$'));
    if (others.every(({ fullName }) => node.registry.services.has(fullName, node.nodeID))) return;
    await clock.sleep(lookEveryMs);
  }
}

import type { Endpoint, ServiceBroker } from 'moleculer';
import { rankNodes } from '#domain/placement.ts';

/** What is used of Moleculer's broker and endpoints, which Moleculer does not type. */
type Told = { metadata: { takesEvents?: boolean } };
type Registry = {
  regenerateLocalRawInfo(newSeq: boolean): void;
  discoverer: { sendLocalNodeInfo(): Promise<void> };
};
type OnNode = { readonly node?: { readonly metadata?: Partial<Told['metadata']> | null } };

/**
 * Tells the other nodes whether this one takes events: one that drains, is cut off or has a wrong
 * clock does not, and is asked last. Rejects when the message cannot be sent.
 */
export async function tellTakesEvents(broker: ServiceBroker, takes: boolean): Promise<void> {
  (broker as unknown as Told).metadata.takesEvents = takes;
  // While the node starts or stops, Moleculer itself tells the others what it offers.
  if (!(broker as unknown as { started: boolean }).started) return;
  const registry = broker.registry as unknown as Registry;
  registry.regenerateLocalRawInfo(false);
  await registry.discoverer.sendLocalNodeInfo();
}

/**
 * The nodes of these endpoints in the order in which they should be asked for the event: by its
 * hash order, those that take no events after all that do (they may still hold it).
 */
export function nodesForEvent(
  eventId: string,
  endpoints: ReadonlyArray<Pick<Endpoint, 'id'> & OnNode>,
): readonly string[] {
  if (endpoints.length < 2) return endpoints.map(({ id }) => id);
  const takes = (endpoint: OnNode): boolean => endpoint.node?.metadata?.takesEvents !== false;
  const [takers, others] = [endpoints.filter(takes), endpoints.filter((e) => !takes(e))];
  const ranked = (list: typeof endpoints) =>
    rankNodes(
      eventId,
      list.map(({ id }) => id),
    );
  return others.length === 0 ? ranked(takers) : [...ranked(takers), ...ranked(others)];
}

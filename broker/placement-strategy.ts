import { type Context, type Endpoint, Strategies } from 'moleculer';
import { contractTable } from '#broker/contract-table.ts';
import { nodesForEvent } from '#broker/event-nodes.ts';
import type { Placement, ServiceContract } from '#contracts/contract.ts';
import { contracts } from '#contracts/index.ts';

/**
 * Picks the node that runs a call, by the placement its contract states:
 *  - `event`: the node that ranks first for `params.eventId` among those that offer the action and
 *    take events;
 *  - `any` (and actions or events without a contract): this node if it offers it, else in turn;
 *  - `local`: this node (a call elsewhere must name the node, see the contract middleware).
 * Needs `registry.preferLocal: false`. Moleculer gives it available endpoints only, and does not
 * ask it where a single node offers the action.
 */
export function createPlacementStrategy(
  services: readonly ServiceContract[] = contracts,
): typeof Strategies.Base {
  const placements = new Map<string, Placement>();
  for (const [name, contract] of contractTable(services)) {
    placements.set(name, contract.placement ?? 'any');
  }
  let turn = 0;

  return class PlacementStrategy extends Strategies.Base {
    override select(list: Endpoint[], ctx?: Context): Endpoint {
      if (placements.get(actionName(list)) === 'event') {
        const chosen = endpointOfEvent(list, ctx);
        if (chosen !== undefined) return chosen;
      }
      const local = list.find((endpoint) => endpoint.local);
      if (local !== undefined) return local;
      turn = (turn + 1) % 1_000_000;
      return list[turn % list.length] as Endpoint;
    }
  };
}

const actionName = (list: readonly Endpoint[]): string =>
  (list[0] as { action?: { name?: string } } | undefined)?.action?.name ?? '';

function endpointOfEvent(list: readonly Endpoint[], ctx?: Context): Endpoint | undefined {
  const eventId = (ctx?.params as { eventId?: unknown } | undefined)?.eventId;
  if (typeof eventId !== 'string') return undefined;
  const [first] = nodesForEvent(eventId, list);
  return list.find((endpoint) => endpoint.id === first);
}

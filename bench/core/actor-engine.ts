import { factsOf } from '#actors/entries.ts';
import { systemClock } from '#adapters/clock/system.ts';
import type { Journal } from '#adapters/journal/port.ts';
import type { CommitLatency, Engine } from '#bench/core/engine.ts';
import {
  accepted,
  floorTerms,
  holdOf,
  type NodeInBench,
  newEventId,
  openCommand,
  startNode,
} from '#bench/support/event-host.ts';
import type { Command } from '#domain/inventory/commands.ts';

/** Commands made between two looks at the heartbeats of the node, which share the process. */
const madeAtOnce = 1_000;

/** As a command arrives from the wire. */
const parsed = (command: Command): Command => JSON.parse(JSON.stringify(command)) as Command;

/** The event actor of the inventory nodes on its journal, called in the same process. */
export async function eventActor(uri: string, latency: CommitLatency): Promise<Engine> {
  let node: NodeInBench | undefined;
  let eventId = '';
  let commands: Command[] = [];
  const own = (): NodeInBench => {
    if (node === undefined) throw new Error('The actor has no node before a run is prepared.');
    return node;
  };
  return {
    name: 'event actor',
    async prepare(seats, orders) {
      // A node of its own for every run: no event of an earlier one is left in memory.
      await node?.close();
      node = await startNode(uri, { nodeId: 'bench', latency });
      eventId = newEventId();
      await accepted(node.host, eventId, [openCommand(eventId, floorTerms(seats))]);
      commands = [];
      for (const [turn, { seat }] of orders.entries()) {
        if (turn % madeAtOnce === 0) await systemClock.tick();
        commands.push(parsed(holdOf(eventId, seat)));
      }
    },
    async reserve(turn) {
      const [reply] = await own().host.execute(eventId, [commands[turn] as Command]);
      if (reply?.ok === true) return true;
      if (reply?.code === 'seats-unavailable') return false;
      throw new Error(`A hold was answered ${reply?.code ?? 'by nothing'}.`);
    },
    count: () => countHeld(own().journal, eventId),
    close: async () => node?.close(),
  };
}

/** Reads every `held` fact back from the journal itself. */
async function countHeld(
  journal: Journal,
  eventId: string,
): Promise<{ reservations: number; distinctSeats: number }> {
  const places = new Set<number>();
  let reservations = 0;
  for (let from = 1; ; ) {
    const entries = await journal.replay(eventId, from, 50);
    for (const entry of entries) {
      for (const fact of factsOf(entry)) {
        if (fact.type !== 'held') continue;
        reservations++;
        for (const place of fact.places) places.add(place);
      }
    }
    const last = entries.at(-1);
    if (last === undefined) return { reservations, distinctSeats: places.size };
    from = last.seq + 1;
  }
}

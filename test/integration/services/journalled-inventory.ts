import type { ServiceSchema } from 'moleculer';
import type { Db } from 'mongodb';
import { makeEntry } from '#actors/entries.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { createMongoJournal } from '#adapters/journal/mongo-journal.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { decide } from '#domain/inventory/decide.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { createState, type EventState } from '#domain/inventory/state.ts';
import { limits } from '#domain/limits.ts';

type Ask = { readonly params: { readonly eventId: string; readonly commands: readonly Command[] } };

/**
 * The rules of seats over the real journal, one command at a time on one node: what bookings need
 * of inventory, without its owners, batches and take-overs.
 */
export function journalledInventory(db: Db): ServiceSchema {
  const journal = createMongoJournal(db, limits, systemClock);
  const states = new Map<string, EventState>();
  let turn: Promise<unknown> = Promise.resolve();

  const one = async (eventId: string, command: Command) => {
    const state = states.get(eventId) ?? createState(eventId);
    states.set(eventId, state);
    const at = Math.max(Date.now(), state.at);
    const { facts, reply } = decide(state, command, at);
    if (facts.length === 0) return reply;
    const seq = state.seq + 1;
    const texts = facts.map((fact) => JSON.stringify(fact));
    const writer = { nodeId: 'test', incarnation: '1' };
    const batchId = `${eventId}:${seq}`;
    await journal.append(makeEntry(writer, { eventId, seq, epoch: 1, batchId, at, facts: texts }));
    for (const fact of facts) evolve(state, fact, at, seq);
    return reply;
  };

  return {
    name: 'inventory',
    actions: {
      execute: ({ params: { eventId, commands } }: Ask) => {
        const answered = turn.then(async () => {
          const replies = [];
          for (const command of commands) replies.push(await one(eventId, command));
          return { replies };
        });
        turn = answered.catch(() => undefined);
        return answered;
      },
    },
  };
}

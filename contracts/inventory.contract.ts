import { z } from 'zod';
import { countsSchema, id } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import type { Command, CommandKind, CommandOf, ReplyOf } from '#domain/inventory/commands.ts';

/** One answer of `inventory.execute`, in the order of the commands. */
export type ExecuteReply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: string;
      readonly detail: string;
      readonly data: Record<string, unknown>;
    };

/**
 * What everything outside the inventory service uses to ask an event's actor. Implemented by
 * `broker/inventory-client.ts`, which coalesces the commands of a tick for one event into one
 * message, follows `moved`, and reports a silent owner as suspect. Rejects with an `UsherError`.
 */
export interface InventoryPort {
  execute<K extends CommandKind>(command: CommandOf<K>): Promise<ReplyOf<K>>;
}

export const inventoryContract = service({
  name: 'inventory',
  actions: {
    execute: action({
      summary: 'Decides commands of one event; one reply each, in the order of the commands',
      // Fails as a whole with `moved {owner}` or `unavailable` when that is every command's answer;
      // each of the two may also stand in a single reply, and both undo nothing: send it again
      // under the same id. `owner` null: nobody is known.
      // Commands are made by typed code on our own nodes, never by a caller outside: the hot path
      // checks the envelope only.
      params: z.object({
        eventId: id('event'),
        commands: z.array(z.custom<Command>((v) => typeof v === 'object' && v !== null)).min(1),
        suspect: z.string().optional().describe('Node that did not answer for this event'),
      }),
      result: z.object({ replies: z.array(z.custom<ExecuteReply>()) }),
      errors: ['moved', 'overloaded', 'unavailable', 'outcome-unknown'],
      placement: 'event',
    }),
    view: action({
      summary: 'The whole availability of an event at one version',
      params: z.object({ eventId: id('event'), suspect: z.string().optional() }),
      result: z.object({
        eventId: id('event'),
        version: z.int(),
        chartVersion: z.int(),
        sale: z.enum(['open', 'paused', 'cancelled', 'ended']),
        counts: countsSchema,
        seats: z.string().describe('base64 of two bits a place in index order'),
      }),
      errors: ['moved', 'not-found', 'overloaded', 'unavailable'],
      placement: 'event',
    }),
    wake: action({
      summary: 'Claims a live event that has no living owner',
      params: z.object({ eventId: id('event') }),
      result: z.object({ owner: z.string() }),
      errors: ['moved', 'unavailable'],
      placement: 'event',
    }),
    orphans: action({
      summary: 'Live events that no living node holds: each is to be woken',
      params: z.object({ limit: z.int().min(1).max(10_000).default(500) }),
      result: z.object({ events: z.array(id('event')) }),
      errors: ['unavailable'],
    }),
    forgettable: action({
      summary:
        'Events long over that no living node holds: woken, they forget keys of their journal',
      params: z.object({ limit: z.int().min(1).max(10_000).default(50) }),
      result: z.object({ events: z.array(id('event')) }),
      errors: ['unavailable'],
    }),
    inspect: action({
      summary: 'Looks into the actor of an event on the node that is asked (operators)',
      params: z.object({ eventId: id('event') }),
      result: z.object({
        eventId: id('event'),
        owner: z.string().nullable(),
        epoch: z.int(),
        seq: z.int(),
        snapshotSeq: z.int(),
        counts: countsSchema,
        mailbox: z.int(),
        holds: z.int(),
      }),
      errors: ['not-found', 'moved', 'unavailable'],
      placement: 'event',
    }),
    list: action({
      summary: 'The actors that the asked node holds (operators)',
      params: z.object({}),
      result: z.object({
        nodeId: z.string(),
        events: z.array(
          z.object({ eventId: id('event'), epoch: z.int(), seq: z.int(), mailbox: z.int() }),
        ),
      }),
      errors: [],
      placement: 'local',
    }),
    drain: action({
      summary: 'Hands over every event of the asked node and offers inventory no more (operators)',
      params: z.object({}),
      result: z.object({ handedOver: z.int() }),
      errors: ['unavailable'],
      placement: 'local',
      timeoutMs: 20_000,
    }),
  },
  events: {
    /** To all gateways, at most ten a second an event; also each second with no changes. */
    'inventory.changed': z.object({
      eventId: id('event'),
      from: z.int(),
      version: z.int(),
      sale: z.enum(['open', 'paused', 'cancelled', 'ended']),
      counts: countsSchema,
      changes: z.array(z.tuple([z.int(), z.int()])).describe('[place index, status 0–3]'),
    }),
  },
});

import type { ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import type { UsherContext } from '#broker/call.ts';
import { type AuditView, auditContract } from '#contracts/audit.contract.ts';
import type { Act, AuditEntry } from '#domain/audit.ts';
import { visibleOrganizers } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof auditContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/**
 * The audit log, and the only writer of it. Acts are written down with what they did; `append`
 * takes them from there into the chains, and what a crash interrupts is taken again.
 */
export function createAuditService({ config }: Runtime): ServiceSchema {
  let log: AuditLog;
  let sources: AuditSources;

  return {
    name: auditContract.name,
    actions: {
      list: async (ctx: Ctx<'list'>) => {
        const { organizerId, limit, cursor } = ctx.params;
        const whose = visibleOrganizers(ctx, organizerId);
        const found = await log.page(whose, positionOf(cursor), limit + 1);
        const position = (entry: AuditEntry) => [entry.organizerId, entry.seq];
        const { items, nextCursor } = pageOf(found, limit, position);
        return { items: items.map(viewOf), nextCursor };
      },

      append: async ({ params, broker }: Ctx<'append'>) => {
        const { limit } = params;
        const first = await appendOnce(log, sources, limit, []);
        for (const { reason } of first.failures) broker.logger.error('audit log', reason);
        const failed = first.failures.map(({ organizerId }) => organizerId);
        if (failed.length === 0) return { added: first.added, failed: 0, more: first.full };
        // Chains that cannot be continued must not stand in the way of the others.
        const rest = await appendOnce(log, sources, limit, failed);
        return {
          added: first.added + rest.added,
          failed: failed.length + rest.failures.length,
          more: rest.full,
        };
      },
    },

    async started() {
      const db = await acquireMongo(config.mongodbUri);
      log = new AuditLog(db);
      sources = new AuditSources(db);
      await log.prepare();
    },

    async stopped() {
      await releaseMongo(config.mongodbUri);
    },
  };
}

/** More would keep other requests of the process waiting while they are hashed and encoded. */
const actsPerTransaction = 500;

type Turn = {
  readonly added: number;
  readonly failures: readonly { readonly organizerId: string; readonly reason: unknown }[];
  /** There may be more to add. */
  readonly full: boolean;
};

/**
 * Takes one batch of acts into their chains. The marks go after the entries are there: whatever
 * stops in between is only done again.
 */
async function appendOnce(
  log: AuditLog,
  sources: AuditSources,
  limit: number,
  without: readonly string[],
): Promise<Turn> {
  const acts = await sources.pending(limit, without);
  const chains = [...Map.groupBy(acts, ({ organizerId }) => organizerId)];
  const turns = await Promise.all(
    chains.map(async ([organizerId, own]) => {
      try {
        const added = await appendAll(log, organizerId, own);
        await sources.recorded(own);
        return { added, failures: [] };
      } catch (reason) {
        return { added: 0, failures: [{ organizerId, reason }] };
      }
    }),
  );
  const added = turns.reduce((sum, turn) => sum + turn.added, 0);
  return { added, failures: turns.flatMap(({ failures }) => failures), full: added >= limit };
}

/** In some transactions; whoever appends again leaves out what stands in the log. */
async function appendAll(log: AuditLog, organizerId: string, acts: readonly Act[]) {
  let added = 0;
  for (let at = 0; at < acts.length; at += actsPerTransaction) {
    added += await log.append(organizerId, acts.slice(at, at + actsPerTransaction));
  }
  return added;
}

function positionOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [organizerId, seq] = decodeCursor(cursor, 2);
  return { organizerId: String(organizerId), seq: Number(seq) };
}

const viewOf = (entry: AuditEntry): AuditView => ({
  ...entry,
  at: new Date(entry.at).toISOString(),
});

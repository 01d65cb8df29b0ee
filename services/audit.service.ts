import type { ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { decodeCursor, encodeCursor } from '#adapters/store/cursor.ts';
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
        const items = found.slice(0, limit);
        const last = items.at(-1);
        const more = found.length > limit && last !== undefined;
        const nextCursor = more ? encodeCursor([last.organizerId, last.seq]) : null;
        return { items: items.map(viewOf), nextCursor };
      },

      append: async ({ params, broker }: Ctx<'append'>) => {
        const acts = await sources.pending(params.limit);
        const chains = [...Map.groupBy(acts, ({ organizerId }) => organizerId)];
        const writes = chains.map(([organizerId, own]) => record(log, sources, organizerId, own));
        const outcomes = await Promise.allSettled(writes);
        let added = 0;
        let failed = 0;
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') added += outcome.value;
          else failed++;
          if (outcome.status === 'rejected') broker.logger.error('audit log', outcome.reason);
        }
        return { added, failed, more: added >= params.limit };
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

/** The marks go after the entries are there: whatever stops in between is only done again. */
async function record(
  log: AuditLog,
  sources: AuditSources,
  organizerId: string,
  acts: readonly Act[],
): Promise<number> {
  const added = await log.append(organizerId, acts);
  await sources.recorded(acts);
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
